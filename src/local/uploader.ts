import { type FSWatcher, watch } from 'node:fs'
import { access, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { within } from '../artifact/timers.ts'
import { type Cause, type Reason, reasons } from '../job/job.ts'
import { packingVariables } from '../job/packing.ts'
import { type Child, startChild } from './child.ts'
import { uploaderEnvironment } from './environment.ts'
import type { AttemptFolders } from './folders.ts'
import { Latch } from './latch.ts'
import { openLog } from './log-file.ts'
import type { JobRecord } from './record.ts'
import type { RunContext } from './run-context.ts'

/** Starts the uploader of an attempt below its supervisor; rejects with CannotStart. */
export async function startUploader(
  context: RunContext,
  record: JobRecord,
  attempt: string,
  folders: AttemptFolders,
): Promise<Child> {
  const env = uploaderEnvironment(context.base, process.env, {
    job: record.uuid,
    attempt,
    folders,
    inputsSha256: record.inputsSha256,
    uploadTimeoutSeconds: record.request.upload_timeout_seconds,
    packing: packingVariables(record.request, context.packing),
    // A record of a version before has no such field.
    uploadWhileRunning: record.request.upload_while_running !== false,
    store: context.store,
    credentialsDirectory: context.credentialsDirectory,
  })
  return startChild({
    command: context.uploaderCommand,
    env,
    cwd: folders.state,
    logFile: folders.uploaderLog,
  })
}

/** Makes the next uploader begin with its last scan, as one that was restarted after SIGTERM does. */
export async function markTerminating(folders: AttemptFolders): Promise<void> {
  await writeFile(join(folders.state, 'terminating'), String(Date.now()), { mode: 0o600 })
}

export async function isReady(folders: AttemptFolders): Promise<boolean> {
  return access(join(folders.state, 'ready')).then(
    () => true,
    () => false,
  )
}

const pollMilliseconds = 500

/**
 * Waits until the uploader says that it is ready, or one of `others` settles. `onPoll` is called now and then
 * meanwhile.
 */
export async function waitUntilReady(
  folders: AttemptFolders,
  onPoll: () => Promise<void>,
  ...others: Promise<unknown>[]
): Promise<boolean> {
  let wake = new Latch()
  let early = false
  const other = () => {
    early = true
    wake.set()
  }
  for (const promise of others) promise.then(other, other)
  const watcher = watchIfPossible(folders.state)
  watcher?.on('change', () => wake.set())
  try {
    for (;;) {
      wake = new Latch()
      if (await isReady(folders)) return true
      if (early) return false
      await within(pollMilliseconds, wake.happened)
      await onPoll()
    }
  } finally {
    watcher?.close()
  }
}

/** Where the system has no watches left, the poll alone has to do. */
function watchIfPossible(path: string): FSWatcher | undefined {
  try {
    return watch(path).on('error', () => undefined)
  } catch {
    return undefined
  }
}

/** The uploader's last words, or undefined where it left none. */
export async function terminationMessage(folders: AttemptFolders): Promise<string | undefined> {
  const text = await readFile(folders.terminationMessage, 'utf8').catch(() => '')
  return text === '' ? undefined : text
}

/**
 * Why an uploader that goes on trying is not ready, as far as it says so: without a port its log is the only place,
 * where a line of its own gives `reason` and `message`.
 */
export async function complaint(folders: AttemptFolders): Promise<Cause | undefined> {
  const last = await openLog(folders.uploaderLog, { tail: 1 })
  return last && causeOf(await text(last))
}

/** Whether these words say that the manifest is written. */
export function saysCommitted(message: string | undefined): boolean {
  const words = parse(message)
  return words !== undefined && typeof words.count === 'number'
}

/** The reason in these words, where they hold one. */
export function causeOf(message: string | undefined): Cause | undefined {
  const words = parse(message)
  if (words === undefined || !reasons.includes(words.reason as Reason)) return undefined
  return { reason: words.reason as Reason, message: String(words.message) }
}

function parse(message: string | undefined): { [key: string]: unknown } | undefined {
  try {
    const words: unknown = JSON.parse(message ?? 'null')
    return typeof words === 'object' && words !== null ? { ...words } : undefined
  } catch {
    return undefined
  }
}
