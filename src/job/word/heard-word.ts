import type { WorkerWord } from '../../result-format/worker-word.ts'
import { defined, isObject, parseJsonObject } from '../../util/objects.ts'
import { longestFile, longestMessage } from './word-folder.ts'

/** A worker's word as the uploader's log has it. */
export interface HeardWord {
  word: WorkerWord
  /** When the uploader said it, by its clock; milliseconds since the epoch. */
  at: number
  /** With `heartbeat_seconds`: for how long the uploader has seen none of the files change. */
  silentSeconds?: number
}

/** The last word in the end of an uploader's log; undefined if there is none. */
export function heardWord(log: string): HeardWord | undefined {
  for (const line of log.trimEnd().split('\n').reverse()) {
    const { word, silent_seconds: silent, time } = parseJsonObject(line) ?? {}
    const at = Date.parse(String(time))
    if (!isObject(word) || Number.isNaN(at)) continue
    const silentSeconds = typeof silent === 'number' ? silent : undefined
    return { word: checked(word), at, ...defined({ silentSeconds }) }
  }
  return undefined
}

const longestProblem = 1000

/** Bounded once more: thousands of them are kept in memory. */
function checked(word: Record<string, unknown>): WorkerWord {
  const { percent, values_bytes: bytes } = word
  return defined({
    percent: typeof percent === 'number' && percent >= 0 && percent <= 100 ? percent : undefined,
    message: textOf(word.message, longestMessage),
    updated_at: timeOf(word.updated_at),
    values_bytes:
      Number.isSafeInteger(bytes) && Number(bytes) <= longestFile.values ? Number(bytes) : undefined,
    published_at: timeOf(word.published_at),
    held: heldOf(word.held),
    problem: textOf(word.problem, longestProblem),
  })
}

function heldOf(value: unknown): WorkerWord['held'] {
  if (!isObject(value)) return undefined
  const [at, code] = [timeOf(value.at), Number(value.exit_code)]
  return at === undefined || !Number.isSafeInteger(code) ? undefined : { at, exit_code: code }
}

function textOf(value: unknown, longest: number): string | undefined {
  return typeof value === 'string' ? value.slice(0, longest) : undefined
}

function timeOf(value: unknown): string | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(time) ? undefined : new Date(time).toISOString()
}
