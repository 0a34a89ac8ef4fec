import type { ReachedLimit } from '../../result-format/result-limits.ts'
import type { Cause } from '../job.ts'
import type { Stored } from './observation.ts'

/** The operator's limit that a result has reached: the job has failed. Undefined within the limits. */
export function reachedLimit(stored: Stored): Cause | undefined {
  const reached = (stored !== 'none' && stored.limits_reached) || []
  if (reached.length === 0) return undefined
  const advice = `Leave less in the result directory, divide the work among several jobs, or have the operator raise ${reached.map(({ name }) => name).join(' and ')}`
  return { reason: 'StorageFull', message: `${reached.map(sentence).join('. ')}. ${advice}` }
}

/** The failure of a job whose result lacks what `outputs.required` names. */
export function outputMissing(stored: Stored): Cause | undefined {
  const missing = stored === 'none' ? undefined : stored.outputs_missing
  if (missing === undefined) return undefined
  const { count, names } = missing
  const more = count > names.length ? `, and ${count - names.length} more` : ''
  const list = `${names.map((name) => JSON.stringify(name)).join(', ')}${more}`
  const message = `the worker succeeded, but no file, folder or link of its result matches what \`outputs.required\` names: ${list}`
  return { reason: 'OutputMissing', message }
}

/** Why a result lacks files although all of the job went well; undefined if it lacks none. */
export function filesLeftOut(stored: Stored): Cause | undefined {
  if (stored === 'none' || stored.errors === 0) return undefined
  const { errors, first_error: first } = stored
  const one = errors === 1
  const isWhole = stored.checkpoint === undefined || stored.all_listed === true
  const entries = isWhole ? `${stored.count} entries` : `the ${stored.count} listed entries`
  const what = `${isWhole ? '' : 'at least '}${errors} of ${entries} ${one ? 'is' : 'are'} not stored whole`
  // Uploaders of version 0.2 name none.
  const named = first && `${one ? 'it is' : 'the first is'} ${first.path} (${first.error})`
  const list = "the result's list has the `error` of each"
  const unfinished = !isWhole && 'further entries may be missing: the uploader ended before it had listed all'
  return { reason: 'FilesLeftOut', message: [what, named, list, unfinished].filter(Boolean).join('; ') }
}

/** The cause of another end than success, and what the result lacks besides. */
export function withLeftOut(cause: Cause | undefined, stored: Stored): Cause | undefined {
  const leftOut = reachedLimit(stored) ?? filesLeftOut(stored)
  if (cause === undefined || leftOut === undefined || cause.reason === leftOut.reason) return cause
  return { reason: cause.reason, message: `${cause.message}. ${leftOut.reason}: ${leftOut.message}` }
}

/** A remark on a success: names without content are listed, and that is all. */
export function skippedNote(stored: Stored): string | undefined {
  const skipped = (stored !== 'none' && stored.skipped) || 0
  if (skipped === 0) return undefined
  return `${skipped} ${skipped === 1 ? 'name is a socket, a FIFO or a device' : 'names are sockets, FIFOs or devices'}: listed as \`skipped\`, without content`
}

/** A remark on a success: programs often write into their working directory, which is not kept. */
export function emptyNote(stored: Stored): string | undefined {
  if (stored === 'none' || stored.count > 0) return undefined
  return 'the result is empty: only what the worker leaves in the folder that RESULT_DIRECTORY names is kept'
}

const explanations: Record<ReachedLimit['name'], (reached: ReachedLimit) => string> = {
  RESULT_MAX_BYTES: ({ value, left_out: count, first }) =>
    `The result is larger than RESULT_MAX_BYTES (${inWords(value)} bytes): ${numberOf(count, 'file')} left out, the first is ${first}`,
  RESULT_MAX_ENTRIES: ({ value, left_out: count, first }) =>
    `The result has more entries than RESULT_MAX_ENTRIES (${inWords(value)}): ${numberOf(count, 'name')} left out, the first is ${first}`,
}

function sentence(reached: ReachedLimit): string {
  return explanations[reached.name](reached)
}

function numberOf(count: number, noun: string): string {
  return count === 1 ? `1 ${noun} is` : `${inWords(count)} ${noun}s are`
}

function inWords(number: number): string {
  return number.toLocaleString('en-US')
}
