import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** The times of all processors since the machine's start, in an arbitrary unit. */
export interface Processors {
  busy: number
  all: number
}

export function processors(): Processors {
  return process.platform === 'linux' ? fromProc(readFileSync('/proc/stat', 'latin1')) : fromSystem()
}

/** The busy share of all processors between two samples, from 0 to 1; 0 if no time has passed. */
export function busyShare(from: Processors, to: Processors): number {
  return to.all > from.all ? (to.busy - from.busy) / (to.all - from.all) : 0
}

export interface Load {
  /** The recent busy share of all processors while no upload was in flight. */
  others: number
  /** What the worker writes, in bytes per second. */
  written: number
}

/**
 * Length of an upload slice: the first, and the longest where the processors are idle otherwise.
 */
export const slices = { firstMs: 500, mostMs: 2000 }
/** On a busy machine uploads take at most a fifth of one processor's time. */
const restFactor = 4
const busyFrom = 0.8
/** About the speed of a disk, or a tenth of what a processor can copy. */
const heavyFrom = 64 * 1024 * 1024
/** A worker that writes for hours without a pause needs some uploads meanwhile. */
const longestRestMs = 60_000

/** True if the worker writes so many bytes per second that uploads rest. */
export function isHeavy(written: number): boolean {
  return written >= heavyFrom
}

/**
 * True if uploads have to rest: `sliceMs` is the length of the last slice, `sinceSliceMs` the time
 * since its end, `waitedMs` the time since a request asked for the next.
 */
export function mustRest(
  { others, written }: Load,
  sliceMs: number,
  sinceSliceMs: number,
  waitedMs: number,
): boolean {
  if (isHeavy(written) && waitedMs < longestRestMs) return true
  return others >= busyFrom && sinceSliceMs < restFactor * sliceMs
}

/** The length of the next slice. */
export function nextSlice(others: number, sliceMs: number): number {
  return others >= busyFrom ? slices.firstMs : Math.min(slices.mostMs, 2 * sliceMs)
}

/** `cpu user nice system idle iowait irq softirq steal …` */
function fromProc(text: string): Processors {
  const times = (/^cpu +(.*)$/m.exec(text)?.[1] ?? '').split(' ').slice(0, 8).map(Number)
  const all = times.reduce((sum, time) => sum + time, 0)
  return { all, busy: all - (times[3] ?? 0) - (times[4] ?? 0) }
}

function fromSystem(): Processors {
  let [busy, all] = [0, 0]
  for (const { times } of cpus()) {
    const sum = times.user + times.nice + times.sys + times.idle + times.irq
    all += sum
    busy += sum - times.idle
  }
  return { busy, all }
}
