/** The measurement of one run of either side; `value` has the row's unit. */
export interface Run {
  value: number
  /** The highest sampled resident memory, in MiB. */
  residentMiB?: number | undefined
  /** User and system time of the process, in seconds. */
  cpuSeconds?: number | undefined
}

/**
 * One line of the table: our runs and, if there is a peer, its runs, in turn in the same minutes.
 */
export interface Row {
  what: string
  unit: 's' | 'ms' | 'MiB' | 'MB' | 'requests'
  ours: Run[]
  peer?: { name: string; runs: Run[] }
  goal?: Goal
}

/** The row's goal for the medians; all given conditions must hold. */
export interface Goal {
  /** Ours is at most this times the peer's. */
  ratio?: number
  /** Ours is at most this, in the row's unit. */
  most?: number
  /** Ours is at most the peer's and this, in the row's unit. */
  peerPlus?: number
  /** The highest resident memory is at most this, in MiB. */
  residentMiB?: number
}

/** A part of the benchmark, which `npm run bench -- <name>` runs alone. */
export interface Topic {
  name: string
  run(options: TopicOptions): AsyncIterable<Row>
}

export interface TopicOptions {
  /** Number of runs of each side. */
  rounds: number
  /** Only rows whose `what` contains this string are measured. */
  only: string
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [left = Number.NaN, right = Number.NaN] = [sorted[middle - 1], sorted[middle]]
  return sorted.length % 2 === 1 ? right : (left + right) / 2
}

/** Our median divided by the peer's median; undefined without a peer. */
export function ratio({ ours, peer }: Row): number | undefined {
  return peer && medianOf(ours) / medianOf(peer.runs)
}

/** True if the row reaches its goal; undefined without a goal. */
export function isReached(row: Row): boolean | undefined {
  const { goal, ours, peer } = row
  if (goal === undefined) return undefined
  const value = medianOf(ours)
  return (
    (goal.ratio === undefined || (ratio(row) ?? Number.NaN) <= goal.ratio) &&
    (goal.most === undefined || value <= goal.most) &&
    (goal.peerPlus === undefined || (peer !== undefined && value <= medianOf(peer.runs) + goal.peerPlus)) &&
    (goal.residentMiB === undefined || highest(ours) <= goal.residentMiB)
  )
}

/** The rows as a table in Markdown. */
export function tableOf(rows: readonly Row[]): string {
  return [
    '| | ours | peer | ratio | goal | reached | MiB ours / peer | CPU s ours / peer |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${cells(row).join(' | ')} |`),
  ].join('\n')
}

function cells(row: Row): string[] {
  const { what, unit, ours, peer, goal } = row
  const reached = isReached(row)
  return [
    what,
    spread(ours, unit),
    peer ? `${spread(peer.runs, unit)} (${peer.name})` : '',
    ratio(row)?.toFixed(2) ?? '',
    goal ? goalText(goal, unit) : '',
    reached === undefined ? '' : reached ? 'yes' : '**no**',
    both(memory(ours), peer && memory(peer.runs)),
    both(cpu(ours), peer && cpu(peer.runs)),
  ]
}

function goalText({ ratio: times, most, peerPlus, residentMiB }: Goal, unit: string): string {
  return [
    times !== undefined && `≤ ${times} ×`,
    most !== undefined && `≤ ${most} ${unit}`,
    peerPlus !== undefined && `≤ peer + ${peerPlus} ${unit}`,
    residentMiB !== undefined && `≤ ${residentMiB} MiB`,
  ]
    .filter((part) => part !== false)
    .join(', ')
}

/** `3.20 s (3.01–3.55)` */
function spread(runs: readonly Run[], unit: string): string {
  const values = runs.map((run) => run.value)
  const middle = median(values)
  const digits = unit === 's' ? 2 : middle < 10 ? 1 : 0
  const [least, most] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits))
  return `${middle.toFixed(digits)} ${unit}${runs.length > 1 ? ` (${least}–${most})` : ''}`
}

function medianOf(runs: readonly Run[]): number {
  return median(runs.map(({ value }) => value))
}

function highest(runs: readonly Run[]): number {
  return Math.max(...runs.map(({ residentMiB }) => residentMiB ?? Number.NaN))
}

function memory(runs: readonly Run[]): string | undefined {
  const known = runs.flatMap(({ residentMiB }) => residentMiB ?? [])
  return known.length === 0 ? undefined : String(Math.round(Math.max(...known)))
}

function cpu(runs: readonly Run[]): string | undefined {
  const known = runs.flatMap(({ cpuSeconds }) => cpuSeconds ?? [])
  return known.length === 0 ? undefined : median(known).toFixed(1)
}

function both(ours: string | undefined, peer: string | undefined): string {
  if (ours === undefined && peer === undefined) return ''
  return peer === undefined ? (ours ?? '') : `${ours ?? '?'} / ${peer}`
}
