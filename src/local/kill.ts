import { setTimeout as delay } from 'node:timers/promises'
import {
  isOlder,
  isRunning,
  isSame,
  listProcesses,
  type ProcessEntry,
  type ProcessRef,
  refOf,
  variableOf,
} from './process-table.ts'

/** The variable by which a process that was started for a job, or a child of it, can be told from others. */
export const markerVariable = 'JOBFERRY_PROCESS'

export function workerMarker(attempt: string): string {
  return `${attempt}/worker`
}

export function uploaderMarker(attempt: string): string {
  return `${attempt}/uploader`
}

/** Sends a signal to a process group; false where there is none (any more). */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-group, signal)
    return true
  } catch {
    return false
  }
}

const patienceMilliseconds = 5000

/**
 * Kills what an earlier process of this program left running: the group of `leader`, only where that pid is
 * still that very process, and whatever carries the marker (a daemon leaves its group). Resolves once nothing
 * is left; false where something doesn't end within 5 s.
 */
export async function killLeftOver(leader: ProcessRef | undefined, marker: string): Promise<boolean> {
  if (leader !== undefined && isRunning(leader)) signalGroup(leader.pid, 'SIGKILL')
  return killUntilGone(async () => {
    const leaderRuns = leader !== undefined && isRunning(leader)
    return { toKill: await carriersOf(marker), others: leaderRuns }
  })
}

/**
 * Waits until nothing is left of a group that was killed just now, and kills what has left it but carries the
 * marker. False where something doesn't end within 5 s. Without `group` only the marker counts; `leader` began it
 * all, so that nothing older has to be looked at.
 */
export async function killCarriers(marker: string, leader?: ProcessRef, group?: number): Promise<boolean> {
  return killUntilGone(async () => {
    const processes = await listProcesses()
    const members = group !== undefined && processes.some((entry) => entry.group === group)
    const candidates = leader === undefined ? processes : processes.filter((entry) => !isOlder(entry, leader))
    return { toKill: await carriersAmong(candidates, marker), others: members }
  })
}

async function killUntilGone(
  look: () => Promise<{ toKill: ProcessEntry[]; others: boolean }>,
): Promise<boolean> {
  const until = Date.now() + patienceMilliseconds
  for (;;) {
    const { toKill, others } = await look()
    if (toKill.length === 0 && !others) return true
    if (Date.now() > until) return false
    for (const entry of toKill) killEntry(entry)
    await delay(10)
  }
}

/** Processes that were started with the marker. */
export async function carriersOf(marker: string): Promise<ProcessEntry[]> {
  return carriersAmong(await listProcesses(), marker)
}

async function carriersAmong(processes: readonly ProcessEntry[], marker: string): Promise<ProcessEntry[]> {
  const carriers: ProcessEntry[] = []
  for (const entry of processes) {
    if ((await variableOf(entry.pid, markerVariable)) === marker) carriers.push(entry)
  }
  return carriers
}

function killEntry(entry: ProcessEntry): void {
  const now = refOf(entry.pid)
  if (now === undefined || !isSame(entry, now)) return
  try {
    process.kill(entry.pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}
