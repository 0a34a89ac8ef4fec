import { createHash } from 'node:crypto'
import { lstat, rename, rm } from 'node:fs/promises'
import { readBytes } from '../results/read-file.ts'
import { type Chunk, chunkBytes } from './chunks.ts'
import { PartFile } from './part-file.ts'
import type { TargetFolder } from './target-folder.ts'
import type { Fetching, WantedFile } from './wanted-file.ts'
import { partPath, writeFileWhole } from './write-file.ts'

/** Other bytes came twice: the server, or a proxy on the way, alters them. */
export class AlteredBytes extends Error {}

/** True if the folder has the file whole: a file gets its name and its time once it is. */
export async function isPresent(folder: TargetFolder, { place, size, mtime }: WantedFile): Promise<boolean> {
  if (mtime === undefined) return false
  const stat = await lstat(folder.pathOf(place)).catch(() => undefined)
  return stat?.isFile() === true && stat.size === size && Math.abs(stat.mtimeMs - mtime * 1000) < 2
}

/** Work on one file; several may run at once. */
export type Task = () => Promise<void>

/** The tasks that fetch a file; the last of them gives it its name. `done` is called then. */
export async function tasksOf(fetching: Fetching, file: WantedFile, done: () => void): Promise<Task[]> {
  if (file.size <= chunkBytes) {
    return [
      async () => {
        await fetchSmall(fetching, file)
        done()
      },
    ]
  }
  const part = await PartFile.open(partPath(fetching.folder, file), file.size, file.sha256)
  fetching.parts.add(part)
  const missing = part.missing()
  const bytesMissing = missing.reduce((sum, { start, end }) => sum + end - start, 0)
  fetching.received(file.size - bytesMissing)
  let left = missing.length
  const finish = async () => {
    await finishLarge(fetching, file, part)
    done()
  }
  if (left === 0) return [finish]
  return missing.map((chunk) => async () => {
    await fetchChunk(fetching, file, part, chunk)
    left -= 1
    if (left === 0) await finish()
  })
}

async function fetchChunk(
  { transport, id, soFar, signal, received }: Fetching,
  { path, sha256, size }: WantedFile,
  part: PartFile,
  chunk: Chunk,
): Promise<void> {
  let position = chunk.start
  const range = { start: chunk.start, end: chunk.end }
  for await (const bytes of readBytes(transport, { id, path, sha256, size, ...range, soFar, signal })) {
    await part.write(bytes, position)
    position += bytes.length
    received(bytes.length)
  }
  await part.finish(chunk)
}

async function finishLarge(fetching: Fetching, file: WantedFile, part: PartFile): Promise<void> {
  const { folder } = fetching
  const path = partPath(folder, file)
  try {
    if ((await part.digest()) === file.sha256) {
      await part.complete(file.mode, file.mtime)
      await rename(path, folder.pathOf(file.place))
      return
    }
  } finally {
    await part.close()
  }
  // The wrong chunk is unknown: a machine that went down may have lost one.
  await rm(path)
  const again = await PartFile.open(path, file.size, file.sha256)
  try {
    for (const chunk of again.missing()) await fetchChunk({ ...fetching, received() {} }, file, again, chunk)
    if ((await again.digest()) !== file.sha256) {
      await rm(path)
      throw new AlteredBytes()
    }
    await again.complete(file.mode, file.mtime)
    await rename(path, folder.pathOf(file.place))
  } finally {
    await again.close()
  }
}

async function fetchSmall(fetching: Fetching, file: WantedFile): Promise<void> {
  const { folder, received } = fetching
  const bytes = (await readWhole(fetching, file)) ?? (await readWhole(fetching, file))
  if (bytes === undefined) throw new AlteredBytes()
  received(bytes.length)
  await writeFileWhole(folder, file, bytes)
}

/** Undefined if other bytes came than the list names. */
async function readWhole(
  { transport, id, soFar, signal }: Fetching,
  { path, sha256, size }: WantedFile,
): Promise<Buffer | undefined> {
  const chunks = []
  const range = { start: 0, end: size }
  for await (const chunk of readBytes(transport, { id, path, sha256, size, ...range, soFar, signal })) {
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  return createHash('sha256').update(bytes).digest('hex') === sha256 ? bytes : undefined
}
