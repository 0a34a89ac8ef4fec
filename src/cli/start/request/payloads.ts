import { readFile } from 'node:fs/promises'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { usageError } from '../../exit-codes.ts'

/**
 * The commands of a file, a line for each job, without blank lines and those of `#`; `-` is standard
 * input. Throws a CommandError for a file without any.
 */
export async function readPayloads(file: string): Promise<string[]> {
  const lines = (file === '-' ? await text(process.stdin) : await readFile(file, 'utf8')).split('\n')
  const payloads = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
  if (payloads.length > 0) return payloads
  throw usageError(`--payloads ${file}: has no command; expected one a line`)
}
