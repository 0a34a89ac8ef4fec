/** What a run of either side took. */
export interface Run {
  seconds: number
  /** The highest that was seen, in MiB. */
  residentMiB?: number | undefined
}

/** One line of the table: ours beside the peer's, run in turn in the same minutes. */
export interface Comparison {
  what: string
  ours: Run[]
  peer: { name: string; runs: Run[] }
  /** The ratio to be reached, where there is one. */
  goal?: number
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [left = Number.NaN, right = Number.NaN] = [sorted[middle - 1], sorted[middle]]
  return sorted.length % 2 === 1 ? right : (left + right) / 2
}

/** Ours divided by the peer's, medians of all runs. */
export function ratio({ ours, peer }: Comparison): number {
  return median(ours.map(({ seconds }) => seconds)) / median(peer.runs.map(({ seconds }) => seconds))
}

/** The comparisons as a table in Markdown. */
export function tableOf(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map((one) =>
    [
      one.what,
      spread(one.ours),
      `${spread(one.peer.runs)} (${one.peer.name})`,
      ratio(one).toFixed(2),
      one.goal === undefined ? '' : `≤ ${one.goal}`,
      memory(one.ours),
      memory(one.peer.runs),
    ].join(' | '),
  )
  return [
    '| | ours | peer | ratio | goal | our MiB | peer MiB |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n')
}

/** `3.20 s (3.01–3.55)` */
function spread(runs: readonly Run[]): string {
  const seconds = runs.map((run) => run.seconds)
  const [least, most] = [Math.min(...seconds), Math.max(...seconds)].map((value) => value.toFixed(2))
  return `${median(seconds).toFixed(2)} s (${least}–${most})`
}

function memory(runs: readonly Run[]): string {
  const known = runs.flatMap(({ residentMiB }) => residentMiB ?? [])
  return known.length === 0 ? '' : String(Math.max(...known))
}
