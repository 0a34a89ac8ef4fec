import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** All processors' times since the machine's start, in whatever unit. */
export interface Processors {
  busy: number
  all: number
}

export function processors(): Processors {
  return process.platform === 'linux' ? fromProc(readFileSync('/proc/stat', 'latin1')) : fromSystem()
}

/** The busy share of all processors between two looks, from 0 to 1; 0 where no time has passed. */
export function busyShare(from: Processors, to: Processors): number {
  return to.all > from.all ? (to.busy - from.busy) / (to.all - from.all) : 0
}

export interface Load {
  /** The busy share of all processors while nothing was sent, lately. */
  others: number
  /** What the worker writes, in bytes per second. */
  written: number
}

/** So long sending goes on before it rests: at first, and where nobody else wants the processors. */
export const slices = { firstMs: 500, mostMs: 2000 }
/** Of a machine that has nothing left, no more than a fifth of one processor's time. */
const restFactor = 4
const busyFrom = 0.8
/** About what a disk takes, or a tenth of what a processor can copy. */
const heavyFrom = 64 * 1024 * 1024
/** Whoever writes for hours without a pause is helped by getting some of it out of the way. */
const longestRestMs = 60_000

/** Whether the worker writes so many bytes per second that sending rests. */
export function isHeavy(written: number): boolean {
  return written >= heavyFrom
}

/**
 * Whether sending has to rest, so many milliseconds after its last slice, of that length, ended and after it asked for
 * the next.
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

/** How long the slice may be after one of that length. */
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
