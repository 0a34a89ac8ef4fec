import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { copyFile, readFile, rename } from 'node:fs/promises'
import { JobferryError } from '../errors.ts'
import { linesOf } from '../http/lines.ts'
import type { Entry } from '../types.ts'
import type { TargetFolder } from './target-folder.ts'

/** The first line of a folder's list: where its files come from. */
export interface ListHead {
  server: string
  job_uuid: string
}

/** An entry with its place in the folder, in base64 where it is not its path. */
export type PlacedEntry = Entry & { as_base64?: string }

const name = 'result.ndjson'

/** Throws a JobferryError `other-job` for the folder of another job, whose files would be mixed. */
export async function checkOwner(folder: TargetFolder, { job_uuid }: ListHead): Promise<boolean> {
  const text = await readFile(folder.own(name), 'utf8').catch(() => undefined)
  if (text === undefined) return false
  const head = JSON.parse(text.slice(0, text.indexOf('\n'))) as ListHead
  if (head.job_uuid === job_uuid) return true
  throw new JobferryError(
    'other-job',
    `${folder.directory} has the results of job ${head.job_uuid}; expected another folder`,
  )
}

/** Writes the list anew, or adds to it; it replaces the present one once it is whole. */
export async function writeList(
  folder: TargetFolder,
  head: ListHead,
  entries: AsyncIterable<PlacedEntry>,
  adds: boolean,
): Promise<void> {
  const made = folder.own(`${name}.new`)
  if (adds) await copyFile(folder.own(name), made)
  const file = createWriteStream(made, { flags: adds ? 'a' : 'w' })
  const closed = once(file, 'close')
  try {
    if (!adds) file.write(`${JSON.stringify(head)}\n`)
    for await (const entry of entries) {
      if (!file.write(`${JSON.stringify(entry)}\n`)) await once(file, 'drain')
    }
  } finally {
    file.end()
    await closed
  }
  await rename(made, folder.own(name))
}

/** Throws a JobferryError `no-list` for a folder that no download made. */
export async function* readList(folder: TargetFolder): AsyncGenerator<PlacedEntry> {
  let isHead = true
  try {
    for await (const line of linesOf(createReadStream(folder.own(name)))) {
      if (!isHead) yield JSON.parse(line) as PlacedEntry
      isHead = false
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new JobferryError(
      'no-list',
      `${folder.directory} was not made by get: it has no ${folder.own(name)}`,
    )
  }
}
