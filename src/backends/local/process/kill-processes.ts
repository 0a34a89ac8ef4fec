import { setTimeout as delay } from 'node:timers/promises'
import {
  isProcessRunning,
  isSame,
  listProcesses,
  type ProcessEntry,
  type ProcessRef,
  refIfKnown,
  startedBefore,
  variableOf,
} from './process-table.ts'

/** The environment variable that marks the processes of a job and their children. */
export const markerVariable = 'JOBFERRY_PROCESS'

export function workerMarker(attempt: string): string {
  return `${attempt}/worker`
}

export function uploaderMarker(attempt: string): string {
  return `${attempt}/uploader`
}

export function deliveryMarker(uuid: string): string {
  return `${uuid}/delivery`
}

/** Sends a signal to a process group; false if there is none. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-group, signal)
    return true
  } catch {
    return false
  }
}

const killMilliseconds = 5000

/**
 * Kills the processes that an ended supervisor left: the group of `leader`, if that pid
 * is still the same process, and all marked processes, since a daemon leaves its group. False if
 * one of them still runs after 5 s.
 */
export async function killOrphans(leader: ProcessRef | undefined, marker: string): Promise<boolean> {
  return killUntilGone(async () => {
    const leaderRuns = leader !== undefined && isProcessRunning(leader)
    if (leaderRuns) signalGroup(leader.pid, 'SIGKILL')
    return { toKill: await markedProcesses(marker), others: leaderRuns }
  })
}

/**
 * Waits for the end of a group that was just killed, and kills the marked processes that have left
 * it. False if one still runs after 5 s. Without `group` only marked processes count. `leader` is
 * the first of them: older processes are skipped.
 */
export async function killMarked(marker: string, leader?: ProcessRef, group?: number): Promise<boolean> {
  return killUntilGone(async () => {
    const processes = await listProcesses()
    const members = group !== undefined && processes.some((entry) => entry.group === group)
    const candidates =
      leader === undefined ? processes : processes.filter((entry) => !startedBefore(entry, leader))
    return { toKill: await withMarker(candidates, marker), others: members }
  })
}

async function killUntilGone(
  look: () => Promise<{ toKill: ProcessEntry[]; others: boolean }>,
): Promise<boolean> {
  const until = Date.now() + killMilliseconds
  for (;;) {
    // It can't be found out (EMFILE …): they may run.
    const found = await look().catch(() => undefined)
    if (found?.toKill.length === 0 && !found.others) return true
    if (Date.now() > until) return false
    for (const entry of found?.toKill ?? []) killEntry(entry)
    await delay(10)
  }
}

/** The running processes that have the marker in their environment. */
export async function markedProcesses(marker: string): Promise<ProcessEntry[]> {
  return withMarker(await listProcesses(), marker)
}

async function withMarker(processes: readonly ProcessEntry[], marker: string): Promise<ProcessEntry[]> {
  const marked: ProcessEntry[] = []
  for (const entry of processes) {
    if ((await variableOf(entry.pid, markerVariable)) === marker) marked.push(entry)
  }
  return marked
}

function killEntry(entry: ProcessEntry): void {
  const now = refIfKnown(entry.pid)
  if (now === undefined || !isSame(entry, now)) return
  try {
    process.kill(entry.pid, 'SIGKILL')
  } catch {
    // It has already ended.
  }
}
