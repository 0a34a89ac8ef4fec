import { resolve } from 'node:path'
import process from 'node:process'
import { type Entry, verifyFolder } from '../../client/index.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import type { Session } from '../session/session.ts'
import { bytesText, countText, shown, tableText } from '../terminal/format.ts'
import { fetchResults } from './fetch-results.ts'

/** `jobferry ls` */
export async function ls(
  { out, client }: Session,
  id: string,
  prefix: string | undefined,
  { soFar }: { soFar?: boolean },
): Promise<number> {
  // Rows come while the list does: a result may have millions.
  let rows: string[][] = []
  for await (const entry of client().entries(id, { prefix, soFar })) {
    if (out.json) out.value(entry)
    else rows.push(rowOf(entry))
    if (rows.length < 1000) continue
    out.line(tableText(rows))
    rows = []
  }
  if (rows.length > 0) out.line(tableText(rows))
  return 0
}

function rowOf(entry: Entry): string[] {
  const { type, mode = '-', size, mtime = '-', target, error, damage } = entry
  const path = entry.path ?? Buffer.from(entry.path_base64 ?? '', 'base64').toString()
  const name = type === 'directory' ? `${path}/` : target === undefined ? path : `${path} -> ${target}`
  const problem = damage ?? error
  const note = type === 'skipped' ? ' (no file)' : problem === undefined ? '' : ` (${problem})`
  return [
    mode,
    (size === undefined ? '-' : bytesText(size)).padStart(10),
    mtime.slice(0, 19),
    shown(name + note),
  ]
}

export interface GetCommandOptions {
  output?: string
  soFar?: boolean
  wait?: boolean
  parallel?: string
}

/** `jobferry get` */
export async function get(
  session: Session,
  id: string,
  paths: readonly string[],
  { output, soFar, wait, parallel }: GetCommandOptions,
): Promise<number> {
  const { out, client } = session
  if (wait) await client().wait(id)
  if (output === '-') return await print(session, id, paths, soFar)
  const chosen = paths.length === 0 ? undefined : paths
  const { directory, downloaded, exitCode } = await fetchResults(session, id, {
    ...{ output, paths: chosen, soFar, parallel },
  })
  if (out.json) out.value(downloaded)
  else out.line(directory)
  return exitCode
}

/** One file to standard output. */
async function print(
  { out, client }: Session,
  id: string,
  [path, ...others]: readonly string[],
  soFar = false,
): Promise<number> {
  if (path === undefined || others.length > 0) throw usageError('-o -: writes one file; expected its path')
  const { stream } = await client().open(id, path, { soFar })
  for await (const chunk of stream) await out.bytes(chunk, process.stdout)
  return 0
}

/** `jobferry verify`: without the server. */
export async function verify({ out }: Session, folder: string): Promise<number> {
  const { files, bytes, problems } = await verifyFolder(resolve(folder))
  if (out.json) out.value({ directory: resolve(folder), files, bytes, problems })
  else {
    for (const { path, problem } of problems) out.line(shown(`${path}: ${problem}`))
    const verdict = problems.length === 0 ? 'all are right' : countText(problems.length, 'problem')
    out.note(`${countText(files, 'file')}, ${bytesText(bytes)}: ${verdict}`)
  }
  return problems.length === 0 ? 0 : exitCodes.damaged
}
