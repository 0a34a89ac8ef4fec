import type { Sink } from '../../../util/sink.ts'
import { BlockPool, blockBytes } from './block-pool.ts'
import { type CheckedFile, fromStart, type Remainder, sendChecked } from './checked-file.ts'
import { SharedRead } from './shared-read.ts'

/** Smaller files are read by each reader alone: keeping their bytes costs more than it saves. */
const sharedFromBytes = 1024 * 1024
/** Blocks that one read keeps: 8 MiB, within which readers may begin after one another. */
const blocksOfOne = 16
/** Blocks that all reads keep together: 64 MiB. */
const blocksOfAll = 128

/** The readers of the same bytes. */
interface Group {
  readers: number
  /** The reads that others can join. */
  reads: Set<SharedRead>
}

/**
 * Sends whole files. Readers of the same bytes at about the same time share a read; those that are
 * left behind share another one.
 */
export class SharedReads {
  readonly #groups = new Map<string, Group>()
  readonly #pool = new BlockPool()
  #blocks = 0

  /** Writes a file to the sink, its last chunk only if its SHA-256 is right. */
  async send(file: CheckedFile, sink: Sink, signal?: AbortSignal): Promise<void> {
    const group = this.#groups.get(file.id) ?? { readers: 0, reads: new Set() }
    this.#groups.set(file.id, group)
    group.readers += 1
    try {
      let rest: Remainder | undefined = fromStart()
      while (rest !== undefined) {
        const read = this.#readFor(file, rest, group)
        if (read === undefined) return await sendChecked(file, rest, sink, signal)
        rest = await read.send(rest, sink, signal)
      }
    } finally {
      group.readers -= 1
      if (group.readers === 0) this.#groups.delete(file.id)
    }
  }

  /** Undefined if the reader is to read alone. */
  #readFor(file: CheckedFile, rest: Remainder, { readers, reads }: Group): SharedRead | undefined {
    for (const read of reads) if (read.isJoinableAt(rest.start)) return read
    const most = Math.min(blocksOfOne, Math.ceil((file.size - rest.start) / blockBytes))
    if (file.size < sharedFromBytes || this.#blocks + most > blocksOfAll) return undefined
    this.#blocks += most
    const blocks = { most, pool: this.#pool, keepsForOne: readers > 1 }
    const opened = new SharedRead(file, rest, blocks, () => {
      this.#blocks -= most
      reads.delete(opened)
    })
    reads.add(opened)
    return opened
  }
}
