import { createHash } from 'node:crypto'
import { type Clock, systemClock } from '../../src/util/clock.ts'
import type { BytePath } from '../scan/byte-path.ts'
import { fingerprint } from '../scan/entry-of.ts'
import type { Found } from '../scan/found.ts'
import { inTurns } from '../scan/in-turns.ts'
import { openTree } from '../scan/open-tree.ts'
import { keepsAll, type OutputFilter } from '../scan/output-filter.ts'
import { lastChange, settleMs } from './select-settled-files.ts'

/** The result directory at one time, seen without opening a file. */
export interface ScanSnapshot {
  /**
   * Digest of paths and fingerprints of the files that have settled: the same digest, the same
   * files.
   */
  settled: string
  /** When the first of the other files will have settled, in milliseconds since the epoch. */
  nextAt?: number
  /**
   * What the worker wrote since the scan before, in bytes per second; an estimate that is rather
   * low.
   */
  written: number
  /** Processor time of the scan. */
  tookMs: number
}

/**
 * Scans a directory again and again; keeps in memory only the sizes of files that are being
 * written.
 */
export class Scanner {
  readonly #path: string
  readonly #filter: OutputFilter
  #growing = new Map<BytePath, number>()
  readonly #clock: Clock
  #scannedAt: number

  constructor(path: string, clock = systemClock, filter: OutputFilter = keepsAll) {
    this.#path = path
    this.#filter = filter
    this.#clock = clock
    this.#scannedAt = clock.now()
  }

  /**
   * Undefined if `stopSignal` is aborted before the end. Rejects with errors of reading
   * directories.
   */
  async scan(stopSignal: AbortSignal): Promise<ScanSnapshot | undefined> {
    const [began, startedAt] = [process.cpuUsage(), this.#clock.now()]
    const seconds = Math.max(0.1, (startedAt - this.#scannedAt) / 1000)
    const digest = createHash('sha1')
    const growing = new Map<BytePath, number>()
    let nextAt = Number.POSITIVE_INFINITY
    let bytes = 0
    using tree = openTree(this.#path, this.#filter)
    for await (const found of inTurns(tree.scan)) {
      if (stopSignal.aborted) return undefined
      if (found.type !== 'file') continue
      const changedAt = lastChange(found.stat, startedAt)
      if (changedAt >= this.#scannedAt - tickMs) bytes += this.#written(found, seconds)
      if (changedAt + settleMs <= startedAt) digest.update(`${found.path}\0${fingerprint(found.stat)}\0`)
      else {
        nextAt = Math.min(nextAt, changedAt + settleMs)
        if (growing.size < mostGrowing) growing.set(found.path, Number(found.stat.size))
      }
    }
    this.#growing = growing
    this.#scannedAt = startedAt
    const { user, system } = process.cpuUsage(began)
    return {
      settled: digest.digest('hex'),
      ...(Number.isFinite(nextAt) && { nextAt }),
      written: bytes / seconds,
      tookMs: (user + system) / 1000,
    }
  }

  /**
   * How much of a file is new is unknown if its size stays the same or it is older than the last
   * scan.
   */
  #written({ path, stat }: Found & { type: 'file' }, seconds: number): number {
    const size = Number(stat.size)
    const before = this.#growing.get(path)
    if (before !== undefined && before !== size) return Math.abs(size - before)
    const isNew = before === undefined && Number(stat.birthtimeNs / 1_000_000n) >= this.#scannedAt - tickMs
    return isNew ? size : Math.min(size, unknownBytes * seconds)
  }
}

const mostGrowing = 10_000
/** A file's times are those of the kernel's last tick; some kernels have only 100 a second. */
const tickMs = 10
/** Per second, for a file of which that is unknown. */
const unknownBytes = 4 * 1024 * 1024
