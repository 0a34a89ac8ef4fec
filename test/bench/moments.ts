import { readFileSync } from 'node:fs'

/** A line of shell that puts a moment into the log, by the kernel's clock, which is this machine's: busybox knows whole seconds alone. */
export const mark = (what: string) => `read -r now rest </proc/uptime; echo ${what}=$now`

/** Seconds by the same clock. */
export function now(): number {
  return Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0])
}

/** What mark() wrote. */
export function momentIn(log: string, what: string): number {
  const moment = Number(new RegExp(`^${what}=([\\d.]+)$`, 'm').exec(log)?.[1])
  if (!(moment > 0)) throw new Error(`no ${what} in the log: ${log.slice(-500)}`)
  return moment
}
