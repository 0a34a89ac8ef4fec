import { readFileSync } from 'node:fs'

/**
 * A line of shell that logs the present moment in seconds of the kernel's uptime, which pods share
 * with this machine: busybox's own clock has only whole seconds.
 */
export const mark = (what: string) => `read -r now rest </proc/uptime; echo ${what}=$now`

/** The present moment in seconds by the same clock. */
export function now(): number {
  return Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0])
}

/** The moment that mark() logged. */
export function momentIn(log: string, what: string): number {
  const moment = Number(new RegExp(`^${what}=([\\d.]+)$`, 'm').exec(log)?.[1])
  if (!(moment > 0)) throw new Error(`no ${what} in the log: ${log.slice(-500)}`)
  return moment
}
