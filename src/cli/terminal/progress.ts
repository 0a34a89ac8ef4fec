import { bytesText, durationText } from './format.ts'

export interface ProgressTotals {
  bytes: number
  totalBytes: number
  files?: number
  totalFiles?: number
}

const everyOnTerminal = 100
const everyElsewhere = 10_000
const barWidth = 24
/** Milliseconds over which the rate is measured. */
const window = 5_000

/** One line on a terminal that changes in place; elsewhere a line every ten seconds. */
export class ProgressLine {
  readonly #stream: NodeJS.WriteStream
  #last: number
  #isShown = false
  readonly #samples: { at: number; bytes: number }[] = []

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    // Short work shows no line where each one stays.
    this.#last = stream.isTTY ? 0 : Date.now()
  }

  update(what: string, totals: ProgressTotals): void {
    const now = Date.now()
    if (now - this.#last < (this.#stream.isTTY ? everyOnTerminal : everyElsewhere)) return
    this.#last = now
    this.#samples.push({ at: now, bytes: totals.bytes })
    while (this.#samples.length > 2 && now - (this.#samples[0]?.at ?? now) > window) this.#samples.shift()
    const text = progressText(what, totals, rateOf(this.#samples), this.#stream.isTTY)
    const width = this.#stream.columns ?? 80
    this.#stream.write(this.#stream.isTTY ? `\r${text.slice(0, width - 1)}\u001b[K` : `${text}\n`)
    this.#isShown = this.#stream.isTTY
  }

  clear(): void {
    if (this.#isShown) this.#stream.write('\r\u001b[K')
    this.#isShown = false
  }
}

/** Bytes per second; undefined while that is not known. */
export function rateOf(samples: readonly { at: number; bytes: number }[]): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)]
  if (first === undefined || last === undefined || last.at === first.at) return undefined
  return (1000 * (last.bytes - first.bytes)) / (last.at - first.at)
}

export function progressText(
  what: string,
  { bytes, totalBytes, files, totalFiles }: ProgressTotals,
  rate: number | undefined,
  withBar: boolean,
): string {
  const share = totalBytes === 0 ? 1 : Math.min(1, bytes / totalBytes)
  const filled = Math.round(share * barWidth)
  const parts = [
    what,
    ...(withBar ? [`[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}]`] : []),
    `${Math.floor(100 * share)} %`,
    `${bytesText(bytes)} of ${bytesText(totalBytes)}`,
    ...(totalFiles === undefined || totalFiles === 0 ? [] : [`${files} of ${totalFiles} files`]),
    ...(rate === undefined ? [] : [`${bytesText(rate)}/s`]),
    ...(rate ? [`${durationText((totalBytes - bytes) / rate)} left`] : []),
  ]
  return parts.join('  ')
}
