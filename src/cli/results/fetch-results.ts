import { resolve } from 'node:path'
import type { Downloaded } from '../../client/index.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import type { Session } from '../session/session.ts'
import { bytesText, countText, shown } from '../terminal/format.ts'

export interface FetchOptions {
  output?: string | undefined
  paths?: readonly string[] | undefined
  soFar?: boolean | undefined
  parallel?: string | undefined
  signal?: AbortSignal | undefined
}

/** Fetches results into a folder, and says what is not as it should be. */
export async function fetchResults(
  { out, client }: Session,
  id: string,
  { output = `results-${id.slice(0, 8)}`, paths, soFar, parallel, signal }: FetchOptions,
): Promise<{ directory: string; downloaded: Downloaded; exitCode: number }> {
  const directory = resolve(output)
  const downloaded = await client().download(id, directory, {
    ...{ paths, soFar, signal },
    parallel: parallel === undefined ? undefined : parallelOf(parallel),
    onProgress: (progress) => out.progress('fetching', progress),
  })
  out.endProgress()
  const { files, bytes, kept, renamed, absent } = downloaded
  for (const { path, as } of renamed) out.note(`${shown(path)} is ${shown(as)} here`)
  for (const { path, problem } of absent) out.warn(out.colored('yellow', shown(`${path}: ${problem}`)))
  const before = kept === 0 ? '' : `, ${kept} of them were there`
  out.note(`${countText(files, 'file')}, ${bytesText(bytes)}${before}; each has the SHA-256 of the result`)
  const isWhole = absent.every(({ kind }) => kind === 'skipped' || kind === 'unsafe')
  return { directory, downloaded, exitCode: isWhole ? 0 : exitCodes.damaged }
}

function parallelOf(text: string): number {
  const number = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (number >= 1 && number <= 100) return number
  throw usageError(`--parallel ${text}: is not allowed; expected a whole number from 1 to 100`)
}
