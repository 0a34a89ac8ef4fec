import { join } from 'node:path'
import { parseProgress, type WorkerProgress } from '../../src/job/word/progress-file.ts'
import { parseValues } from '../../src/job/word/values-file.ts'
import { heldFile, longestFile, wordFiles } from '../../src/job/word/word-folder.ts'
import { defined } from '../../src/util/objects.ts'
import { markAt, readSmallFile } from './small-file.ts'

/** A file as it was last seen. */
interface Seen<Content> {
  mark?: string
  /** The last valid content. */
  content?: Content
  changedAt?: number
  problem?: string
  /** The problem of content that may be half written; it counts once the content stays the same. */
  doubt?: string
}

/** The worker's files, looked at again and again. */
export class WordFiles {
  readonly #directory: string
  #progress: Seen<WorkerProgress> = {}
  #values: Seen<string> = {}
  #publish: string | undefined
  #held: { at: number; exitCode: number } | undefined

  constructor(directory: string) {
    this.#directory = directory
  }

  /** The last valid `progress.json`, and when it was written; milliseconds since the epoch. */
  get progress(): { progress?: WorkerProgress; changedAt?: number } {
    const { content, changedAt } = this.#progress
    return content === undefined || changedAt === undefined ? {} : { progress: content, changedAt }
  }

  /** The text of the last valid `values.json`. */
  get values(): string | undefined {
    return this.#values.content
  }

  /** Since when a failed program is held, as it was first seen; milliseconds since the epoch. */
  get held(): { at: number; exitCode: number } | undefined {
    return this.#held
  }

  /** For people: the parts of the files that are ignored. */
  get problem(): string | undefined {
    const of = (name: string, { problem }: Seen<unknown>) => problem && `${name} ${problem}`
    const problems = [of(wordFiles.progress, this.#progress), of(wordFiles.values, this.#values)]
    return problems.filter((one) => one !== undefined).join('. ') || undefined
  }

  /**
   * Says whether any file changed since the last look, and whether `publish` did. After the
   * worker's end (`last`) nothing is half written any more.
   */
  async look({ last = false } = {}): Promise<{ changed: boolean; publish: boolean }> {
    const progress = await look(
      this.#path('progress'),
      longestFile.progress,
      this.#progress,
      last,
      (text) => {
        const { progress: content, problem } = parseProgress(text)
        return { content, problem }
      },
    )
    const values = await look(this.#path('values'), longestFile.values, this.#values, last, (text) => {
      const parsed = parseValues(text)
      return 'problem' in parsed ? { problem: parsed.problem } : { content: text }
    })
    this.#held ??= await readHeld(join(this.#directory, heldFile))
    const mark = await markAt(this.#path('publish'))
    const publish = mark !== undefined && mark !== this.#publish
    const changed = publish || progress.mark !== this.#progress.mark || values.mark !== this.#values.mark
    this.#progress = progress
    this.#values = values
    this.#publish = mark
    return { changed, publish }
  }

  #path(name: keyof typeof wordFiles): string {
    return join(this.#directory, wordFiles[name])
  }
}

async function readHeld(path: string): Promise<{ at: number; exitCode: number } | undefined> {
  const found = await readSmallFile(path, 8, undefined)
  if (found.state !== 'read') return undefined
  const [, code] = /^(\d{1,3})\n$/.exec(found.text) ?? []
  return code === undefined ? undefined : { at: found.changedAt, exitCode: Number(code) }
}

interface Parsed<Content> {
  content?: Content | undefined
  problem?: string | undefined
}

/** A file that is gone, or whose content can't be used, leaves the last valid content. */
async function look<Content>(
  path: string,
  longest: number,
  before: Seen<Content>,
  last: boolean,
  parse: (text: string) => Parsed<Content>,
): Promise<Seen<Content>> {
  const found = await readSmallFile(path, longest, before.mark)
  const { content: known, changedAt: knownAt } = before
  const kept = defined({ content: known, changedAt: knownAt })
  if (found.state === 'absent') return kept
  if (found.state === 'unchanged') {
    const { mark = '', problem = before.doubt } = before
    return { ...kept, mark, ...defined({ problem }) }
  }
  const { mark, changedAt } = found
  if (found.state === 'unusable') return { ...kept, mark, problem: found.problem }
  const { content, problem } = parse(found.text)
  if (content !== undefined) return { content, changedAt, mark, ...defined({ problem }) }
  // Shells empty a file before they write into it.
  return { ...kept, mark, ...defined(last ? { problem } : { doubt: problem }) }
}
