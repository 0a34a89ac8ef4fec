import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, lstat, mkdir, rename, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { SourceLine, SourceSettings } from '../../src/job/inputs/input-list.ts'
import { isRelativePath } from '../../src/job/request/syntax.ts'
import type { Entry } from '../../src/result-format/entry.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import type { TakenInput } from '../../src/result-format/manifest/manifest.ts'
import { type ArtifactStore, type GetOptions, StoreError } from '../../src/store/store.ts'
import { flatten, lineBatches } from '../../src/util/lines.ts'
import { defined } from '../../src/util/objects.ts'
import { Semaphore } from '../../src/util/semaphore.ts'
import { awaitedAttempt } from '../inputs/awaited-attempt.ts'
import { fetchSource, type SourceContext } from '../inputs/fetch-source.ts'
import { createHttpSend } from '../inputs/http-get.ts'
import { InputError } from '../inputs/input-error.ts'
import { makeFolders } from '../inputs/make-folders.ts'
import { unfinishedPath } from '../inputs/unfinished-path.ts'

export interface InputsToFetch {
  job: string
  /** Digest of the list. */
  sha256: string
  /** The folder for the files; it is created if it is absent. */
  directory: string
  /** The file for the list. */
  listFile: string
  /** Holds a folder for each Secret that sources name. */
  secretsDirectory?: string
  memory: FetchMemory
  /** Notes why a source has to be tried again; undefined: it goes on. */
  note(problem: string | undefined): void
}

/** What calls of fetchInputs() of one program share. */
export interface FetchMemory {
  /** By path; undefined for an optional source that wasn't there. */
  taken: Map<string, TakenInput | undefined>
  /** End of `input_timeout_seconds`, in milliseconds since the epoch. */
  until?: number
}

const filesAtOnce = 4

/**
 * Downloads the inputs into their directory. Each file is checked against the list, and the list
 * against its digest. A file appears under its name only when it is complete; complete files are
 * kept, so that another call goes on where this one failed. Rejects with StoreError,
 * InputError and errors of the file system.
 */
export async function fetchInputs(
  store: ArtifactStore,
  inputs: InputsToFetch,
  signal: AbortSignal,
): Promise<{ count: number; bytes: number; taken: TakenInput[] }> {
  const { job, directory, listFile, sha256 } = inputs
  await mkdir(directory, { recursive: true })
  await download(store, jobKeys.inputList(job, sha256), listFile, { sha256 }, { signal })

  const slots = new Semaphore(filesAtOnce)
  const stopped = new AbortController()
  const running = AbortSignal.any([signal, stopped.signal])
  let sources: SourceContext | undefined
  const taken: TakenInput[] = []
  const failures: unknown[] = []
  const inFlight = new Set<Promise<void>>()
  let count = 0
  let bytes = 0
  const fetchLine = async (line: Line) => {
    if (line.type !== 'source') {
      await fetchOne(store, job, line, directory, running)
      bytes += line.size ?? 0
      return
    }
    const context = sources
    if (context === undefined) throw new Error('The list of inputs has no settings for its sources')
    const input = await takeOnce(line, inputs.memory, async () => {
      await makeFolders(directory, dirname(line.path))
      return await fetchSource(line, context)
    })
    if (input === undefined) return
    taken.push(input)
    bytes += input.size
  }
  for await (const text of flatten(lineBatches(createReadStream(listFile)))) {
    if (failures.length > 0) break
    const line: Line | SourceSettings = JSON.parse(text)
    if (line.type === 'settings') {
      sources = contextOf(line, inputs, store, running)
      continue
    }
    const release = await slots.acquire()
    count += 1
    const fetching: Promise<void> = fetchLine(line)
      .catch((error: unknown) => {
        failures.push(error)
        // Others go on while the store is away: a download would begin again from its start.
        if (error instanceof InputError) stopped.abort()
      })
      .finally(() => {
        release()
        inFlight.delete(fetching)
      })
    inFlight.add(fetching)
  }
  await Promise.all(inFlight)
  if (failures.length > 0) throw failures[0]
  // In an order that does not depend on the network.
  taken.sort((a, b) => (a.to < b.to ? -1 : 1))
  return { count, bytes, taken }
}

type Line = SourceLine | Entry

function contextOf(
  settings: SourceSettings,
  { job, directory, secretsDirectory, memory, note }: InputsToFetch,
  store: ArtifactStore,
  signal: AbortSignal,
): SourceContext {
  const { timeout_seconds: timeoutSeconds, unpack_max_bytes: bytes, unpack_max_entries: entries } = settings
  memory.until ??= Date.now() + timeoutSeconds * 1000
  return {
    ...{ send: createHttpSend(settings), store, directory, unpackLimits: { bytes, entries } },
    ...{ until: memory.until, timeoutSeconds, note, signal },
    attemptOf: (uuid) => awaitedAttempt(store, job, uuid, signal),
    ...defined({ secretsDirectory }),
  }
}

/** Sources are fetched once by one program, however often the fetching of all begins again. */
async function takeOnce(
  { path }: SourceLine,
  { taken }: FetchMemory,
  take: () => Promise<TakenInput | undefined>,
): Promise<TakenInput | undefined> {
  if (!taken.has(path)) taken.set(path, await take())
  return taken.get(path)
}

async function fetchOne(
  store: ArtifactStore,
  job: string,
  entry: Entry,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const name = entry.path ?? ''
  if (entry.key === undefined || !isRelativePath(name))
    throw new Error(`The list of inputs has no input ${name}`)
  const target = join(directory, name)
  const there = await lstat(target).catch(() => undefined)
  if (there?.size === entry.size) return
  await makeFolders(directory, dirname(name))
  const temporary = unfinishedPath(directory, name)
  const options: GetOptions = entry.etag === undefined ? { signal } : { signal, ifMatch: entry.etag }
  await download(store, jobKeys.input(job, entry.key), temporary, entry, options)
  // The worker may run as any user, whatever the umask is.
  await chmod(temporary, 0o644)
  if (entry.mtime !== undefined) await utimes(temporary, new Date(), new Date(entry.mtime))
  await rename(temporary, target)
}

async function download(
  store: ArtifactStore,
  key: string,
  file: string,
  expected: { size?: number; sha256?: string },
  options: GetOptions,
): Promise<void> {
  const digest = createHash('sha256')
  let size = 0
  const checked = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length
      digest.update(chunk)
      done(null, chunk)
    },
  })
  const { stream } = await store.get(key, options)
  await pipeline(stream, checked, createWriteStream(file))
  if (expected.size !== undefined && size !== expected.size) {
    throw new StoreError('corrupt', `${key} has ${size} bytes, ${expected.size} were listed`)
  }
  if (digest.digest('hex') !== expected.sha256) {
    throw new StoreError('corrupt', `${key} has another SHA-256 than was listed`)
  }
}
