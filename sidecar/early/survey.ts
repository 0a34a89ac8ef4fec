import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { BytePath } from '../scan/byte-path.ts'
import { Directory } from '../scan/directory.ts'
import { fingerprint } from '../scan/entry-of.ts'
import { codeOf, type Found } from '../scan/found.ts'
import { walk } from '../scan/walk.ts'
import { lastChange, settleMs } from './choose.ts'

/** What a look at the whole result directory tells, without opening a file. */
export interface Survey {
  /** Of the files that have settled: the same digest, the same files. */
  settled: string
  /** When the first of the others will have, in milliseconds since the epoch. */
  nextAt?: number
  /** What the worker wrote since the look before, in bytes per second; about, and rather less. */
  written: number
  /** Of a processor; on a busy machine it lasts longer. */
  tookMs: number
}

/** Looks at a directory time and again; keeps in memory the sizes of files that are being written alone. */
export class Surveyor {
  readonly #path: string
  #growing = new Map<BytePath, number>()
  #lookedAt = Date.now()

  constructor(path: string) {
    this.#path = path
  }

  /** Undefined where `enough` is aborted before its end. Rejects with what reading directories gives. */
  async look(enough: AbortSignal): Promise<Survey | undefined> {
    const [began, startedAt] = [process.cpuUsage(), Date.now()]
    const seconds = Math.max(0.1, (startedAt - this.#lookedAt) / 1000)
    const digest = createHash('sha1')
    const growing = new Map<BytePath, number>()
    let nextAt = Number.POSITIVE_INFINITY
    let [looked, bytes] = [0, 0]
    using directory = openIfThere(this.#path)
    for (const found of directory.scan) {
      looked += 1
      if (looked % namesPerTurn === 0) await nextTurn()
      if (enough.aborted) return undefined
      if (found.type !== 'file') continue
      const changedAt = lastChange(found.stat, startedAt)
      if (changedAt >= this.#lookedAt - tickMs) bytes += this.#written(found, seconds)
      if (changedAt + settleMs <= startedAt) digest.update(`${found.path}\0${fingerprint(found.stat)}\0`)
      else {
        nextAt = Math.min(nextAt, changedAt + settleMs)
        if (growing.size < mostGrowing) growing.set(found.path, Number(found.stat.size))
      }
    }
    this.#growing = growing
    this.#lookedAt = startedAt
    const { user, system } = process.cpuUsage(began)
    return {
      settled: digest.digest('hex'),
      ...(Number.isFinite(nextAt) && { nextAt }),
      written: bytes / seconds,
      tookMs: (user + system) / 1000,
    }
  }

  /** How much of a file is new can't be told where it keeps its size, or was there long before. */
  #written({ path, stat }: Found & { type: 'file' }, seconds: number): number {
    const size = Number(stat.size)
    const before = this.#growing.get(path)
    if (before !== undefined && before !== size) return Math.abs(size - before)
    const isNew = before === undefined && Number(stat.birthtimeNs / 1_000_000n) >= this.#lookedAt - tickMs
    return isNew ? size : Math.min(size, unknownBytes * seconds)
  }
}

/** Looking is synchronous: what is being sent gets its turn in between. */
const namesPerTurn = 64
const mostGrowing = 10_000
/** Files get the time of the kernel's last tick, of which there may be but 100 a second. */
const tickMs = 10
/** A second. */
const unknownBytes = 4 * 1024 * 1024

function openIfThere(path: string): Disposable & { scan: Iterable<Found> } {
  try {
    const directory = Directory.open(path)
    return { scan: walk(directory), [Symbol.dispose]: () => directory.close() }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    return { scan: [], [Symbol.dispose]: () => undefined }
  }
}
