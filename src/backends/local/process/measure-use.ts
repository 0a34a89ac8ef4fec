import { readdirSync, readFileSync } from 'node:fs'
import type { ResourceUse } from '../../../job/state/observation.ts'
import { defined } from '../../../util/objects.ts'

/** proc_pid_stat(5): times are in USER_HZ, which is 100 on every architecture that Node runs on. */
const ticksPerSecond = 100
const firstSample = 10
const longestPause = 1000

/**
 * Measures what a child of this process and its descendants use, until the returned function is
 * called, after the child was waited for. Memory by samples; processor time as the kernel adds it
 * up for waited-for children, so that no other child may end meanwhile. Empty without /proc.
 */
export function measureUse(pid: number): () => ResourceUse {
  const before = childTicks()
  let peak = 0
  let pause = firstSample
  let timer: NodeJS.Timeout | undefined
  const sample = () => {
    const processes = family(pid).map(memoryOf)
    const together = processes.reduce((all, { resident }) => all + resident, 0)
    peak = Math.max(peak, together, ...processes.map(({ highest }) => highest))
    pause = Math.min(longestPause, pause * 1.5)
    timer = setTimeout(sample, pause)
  }
  if (before !== undefined) timer = setTimeout(sample, pause)
  return () => {
    clearTimeout(timer)
    const after = childTicks()
    const cpuSeconds =
      before === undefined || after === undefined ? undefined : (after - before) / ticksPerSecond
    return defined({ cpuSeconds, peakMemoryBytes: peak === 0 ? undefined : peak })
  }
}

/** What steps have used one after the other. */
export function addUse(before: ResourceUse = {}, more: ResourceUse): ResourceUse {
  const peaks = [before.peakMemoryBytes, more.peakMemoryBytes].filter((one) => one !== undefined)
  const times = [before.cpuSeconds, more.cpuSeconds].filter((one) => one !== undefined)
  const hundredths = times.reduce((all, one) => all + Math.round(one * ticksPerSecond), 0)
  return {
    ...(times.length > 0 && { cpuSeconds: hundredths / ticksPerSecond }),
    ...(peaks.length > 0 && { peakMemoryBytes: Math.max(...peaks) }),
  }
}

/** Of all children that were waited for, and of theirs: the fields 16 and 17. */
function childTicks(): number | undefined {
  const text = read('/proc/self/stat')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[13]) + Number(fields[14])
  return Number.isNaN(ticks) ? undefined : ticks
}

/** The process and its descendants. */
function family(pid: number): number[] {
  const found = [pid]
  // It grows meanwhile.
  for (const one of found) {
    for (const task of list(`/proc/${one}/task`)) {
      const children = read(`/proc/${one}/task/${task}/children`).split(' ').filter(Boolean).map(Number)
      found.push(...children.filter((child) => !found.includes(child)))
    }
  }
  return found
}

/** In bytes; proc_pid_status(5) has kilobytes of 1,024. */
function memoryOf(pid: number): { resident: number; highest: number } {
  const status = read(`/proc/${pid}/status`)
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
  return { resident: kilobytes('VmRSS') * 1024, highest: kilobytes('VmHWM') * 1024 }
}

/** Empty for a process that has ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
