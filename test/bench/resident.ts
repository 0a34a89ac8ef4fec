import { readFile } from 'node:fs/promises'
import type { Run } from './measure.ts'

/** The highest resident memory of a process so far, in MiB; undefined if it has ended. */
export async function peakResidentMiB(pid: number | undefined): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kibibytes = /^VmHWM:\s+(\d+)/m.exec(status)?.[1]
  return kibibytes === undefined ? undefined : Math.round(Number(kibibytes) / 1024)
}

/** User and system time of a process so far, in seconds; undefined if it has ended. */
async function cpuSecondsOf(pid: number | undefined): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  // Parsed after the name, which may have any characters: state is
  // field 3, utime 14, stime 15 (1/100 s).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user, system] = [Number(fields[11]), Number(fields[12])]
  return Number.isNaN(user + system) ? undefined : (user + system) / 100
}

/**
 * Samples a process every 50 ms until the returned function is called, which resolves with the
 * highest resident memory and the processor time of this period.
 */
export function watchProcess(
  pid: () => number | undefined,
): () => Promise<Pick<Run, 'residentMiB' | 'cpuSeconds'>> {
  let residentMiB: number | undefined
  const cpu: { first?: number; last?: number } = {}
  const look = async () => {
    const [now, seconds] = await Promise.all([peakResidentMiB(pid()), cpuSecondsOf(pid())])
    if (now !== undefined) residentMiB = Math.max(residentMiB ?? 0, now)
    if (seconds === undefined) return
    cpu.first ??= seconds
    cpu.last = seconds
  }
  void look()
  const timer = setInterval(() => void look(), 50)
  return async () => {
    clearInterval(timer)
    return { residentMiB, cpuSeconds: cpu.last === undefined ? undefined : cpu.last - (cpu.first ?? 0) }
  }
}

/** As watchProcess(), for the resident memory only. */
export function watchResident(pid: () => number | undefined): () => Promise<number | undefined> {
  const watched = watchProcess(pid)
  return async () => (await watched()).residentMiB
}
