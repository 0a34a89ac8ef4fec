import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, lstat, mkdir, rename, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Entry } from '../../src/artifact/entry.ts'
import { layout } from '../../src/artifact/layout.ts'
import { flatten, lineBatches } from '../../src/artifact/lines.ts'
import { type ArtifactStore, type GetOptions, StoreError } from '../../src/artifact/store.ts'
import { Pool } from '../upload/pool.ts'

export interface Inputs {
  job: string
  /** Of the list. */
  sha256: string
  /** Where the files are put; made where it is absent. */
  directory: string
  /** Where the list is kept meanwhile. */
  listFile: string
}

const filesAtOnce = 4

/**
 * Brings the inputs from the store into their directory, each checked against the list, which is checked against
 * its digest. A file appears under its name only whole; those that are there already are kept, so calling it again
 * goes on where it failed. Rejects with StoreError and what the file system gives.
 */
export async function fetchInputs(
  store: ArtifactStore,
  inputs: Inputs,
  signal: AbortSignal,
): Promise<number> {
  const { job, directory, listFile, sha256 } = inputs
  await mkdir(directory, { recursive: true })
  await download(store, layout.inputList(job, sha256), listFile, { sha256 }, { signal })

  const slots = new Pool<number>(filesAtOnce, () => 0)
  const failures: unknown[] = []
  const underWay = new Set<Promise<void>>()
  let count = 0
  for await (const line of flatten(lineBatches(createReadStream(listFile)))) {
    if (failures.length > 0) break
    const entry: Entry = JSON.parse(line)
    const slot = await slots.take()
    count += 1
    const fetching: Promise<void> = fetchOne(store, job, entry, directory, signal)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => {
        slots.release(slot)
        underWay.delete(fetching)
      })
    underWay.add(fetching)
  }
  await Promise.all(underWay)
  if (failures.length > 0) throw failures[0]
  return count
}

async function fetchOne(
  store: ArtifactStore,
  job: string,
  entry: Entry,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const name = entry.path ?? ''
  if (entry.key === undefined || !isFileName(name)) throw new Error(`The list of inputs has no input ${name}`)
  const target = join(directory, name)
  const there = await lstat(target).catch(() => undefined)
  if (there?.size === entry.size) return
  // Of the name's digest: no other input may be called so.
  const temporary = join(directory, `.${createHash('sha256').update(name).digest('hex')}.part`)
  const options: GetOptions = entry.etag === undefined ? { signal } : { signal, ifMatch: entry.etag }
  await download(store, layout.input(job, entry.key), temporary, entry, options)
  // The worker may be any user; the umask must not keep it out.
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

function isFileName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)
}
