import { type FSWatcher, watch } from 'node:fs'
import { access, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isDiskFull } from '../../../util/error-code.ts'
import { OneShotEvent } from '../../../util/one-shot-event.ts'
import { within } from '../../../util/timers.ts'
import type { AttemptFolders } from '../files/job-folders.ts'
import { readRegular } from '../files/open-regular.ts'
import { writeAnew } from '../files/write-anew.ts'

/** Makes the next uploader begin with its last scan, as after a restart that followed SIGTERM. */
export async function markTerminating(folders: AttemptFolders): Promise<void> {
  const write = () => writeAnew(join(folders.state, 'terminating'), String(Date.now()))
  await write().catch(async (error: unknown) => {
    if (!isDiskFull(error)) throw error
    // The uploader's, for marks such as this one: sidecar/state-directory.ts.
    await rm(join(folders.state, 'reserve'), { force: true })
    await write()
  })
}

export async function isReady(folders: AttemptFolders): Promise<boolean> {
  return access(join(folders.state, 'ready')).then(
    () => true,
    () => false,
  )
}

const pollMilliseconds = 500

/** True once the uploader is ready, false if one of `others` settles before. */
export async function waitUntilReady(
  folders: AttemptFolders,
  ...others: Promise<unknown>[]
): Promise<boolean> {
  let wake = new OneShotEvent()
  let otherSettled = false
  const other = () => {
    otherSettled = true
    wake.set()
  }
  for (const promise of others) promise.then(other, other)
  const watcher = watchIfPossible(folders.state)
  watcher?.on('change', () => wake.set())
  try {
    for (;;) {
      wake = new OneShotEvent()
      if (await isReady(folders)) return true
      if (otherSettled) return false
      await within(pollMilliseconds, wake.happened)
    }
  } finally {
    watcher?.close()
  }
}

/** Undefined if the system has no watches left: polling alone works, too. */
function watchIfPossible(path: string): FSWatcher | undefined {
  try {
    return watch(path).on('error', () => undefined)
  } catch {
    return undefined
  }
}

/** The uploader's termination message, undefined without one. */
export async function terminationMessage(folders: AttemptFolders): Promise<string | undefined> {
  const text = await readRegular(folders.terminationMessage).catch(() => '')
  return text === '' ? undefined : text
}
