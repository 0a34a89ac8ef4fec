import type { Entry } from '../../result-format/entry.ts'
import { type FieldError, Problem } from '../../util/errors.ts'
import { shownPath } from '../serve/readable-file.ts'
import { membersOf } from '../tar/tar.ts'
import { centralLength, endOfZip, storedLength } from './zip-headers.ts'
import { zipMember, zipNameProblem } from './zip-member.ts'

/** What is known of a zip before its first byte. */
export interface ZipPlan {
  count: number
  /** Bytes before the central directory, and of that directory. */
  contents: number
  directory: number
  /** Bytes of the whole zip. */
  length: number
}

/** Number of names that an error names. */
const namedAtMost = 10

/**
 * Reads all entries once. Rejects with Problem `not-a-readable-file`, which names the paths that no
 * zip can hold.
 */
export async function planZip(entries: AsyncIterable<Entry>): Promise<ZipPlan> {
  let [count, contents, directory, unfit] = [0, 0, 0, 0]
  const errors: FieldError[] = []
  for await (const entry of membersOf(entries)) {
    const problem = zipNameProblem(entry)
    if (problem !== undefined) {
      unfit += 1
      if (errors.length < namedAtMost) errors.push(errorOf(entry, problem))
    }
    const member = zipMember(entry)
    directory += centralLength(member, contents)
    contents += storedLength(member)
    count += 1
  }
  if (unfit > 0) throw unfitNames(errors, unfit)
  return {
    count,
    contents,
    directory,
    length: contents + directory + endOfZip(count, directory, contents).length,
  }
}

function errorOf(entry: Entry, problem: string): FieldError {
  return {
    field: 'format',
    problem: `a zip can't hold the name ${shownPath(entry)}: it ${problem}`,
    expected: 'tar, tar.gz or tar.zst, or other files in file=',
  }
}

function unfitNames(errors: readonly FieldError[], unfit: number): Problem {
  const more = unfit > errors.length ? `; and ${unfit - errors.length} more` : ''
  const detail = `${errors.map(({ problem }) => problem).join('; ')}${more}`
  return new Problem('not-a-readable-file', detail, { errors })
}
