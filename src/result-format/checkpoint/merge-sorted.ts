import type { CheckpointLine } from '../manifest/manifest.ts'
import { comparePaths } from '../path-order.ts'

const batchLength = 256

/** Merges sorted sources into one; if several sources have a path, the last source's line wins. */
export async function* mergeSorted(
  sources: readonly AsyncGenerator<CheckpointLine[], void>[],
): AsyncGenerator<CheckpointLine[], void> {
  const cursors = sources.map((source) => new Cursor(source))
  try {
    for (const cursor of cursors) await cursor.fill()
    let batch: CheckpointLine[] = []
    for (;;) {
      const least = leastOf(cursors)
      if (least === undefined) break
      batch.push(least)
      for (const cursor of cursors) {
        if (cursor.line !== undefined && comparePaths(cursor.line, least) === 0 && cursor.advance()) {
          await cursor.fill()
        }
      }
      if (batch.length < batchLength) continue
      yield batch
      batch = []
    }
    if (batch.length > 0) yield batch
  } finally {
    for (const cursor of cursors) await cursor.close()
  }
}

function leastOf(cursors: readonly Cursor[]): CheckpointLine | undefined {
  let least: CheckpointLine | undefined
  for (const { line } of cursors) {
    if (line !== undefined && (least === undefined || comparePaths(line, least) <= 0)) least = line
  }
  return least
}

class Cursor {
  /** Undefined at the end. */
  line: CheckpointLine | undefined
  readonly #source: AsyncGenerator<CheckpointLine[], void>
  #batch: readonly CheckpointLine[] = []
  #next = 0

  constructor(source: AsyncGenerator<CheckpointLine[], void>) {
    this.#source = source
  }

  /**
   * Moves to the next line of the batch; true if the batch is used up and fill() must be awaited.
   */
  advance(): boolean {
    this.line = this.#batch[this.#next]
    this.#next += 1
    return this.line === undefined
  }

  async fill(): Promise<void> {
    while (this.advance()) {
      const next = await this.#source.next()
      if (next.done === true) return
      this.#batch = next.value
      this.#next = 0
    }
  }

  async close(): Promise<void> {
    await this.#source.return()
  }
}
