import { markedProcesses, markerVariable } from '../process/kill-processes.ts'
import { isProcessRunning, type ProcessRef, refIfKnown, refOf } from '../process/process-table.ts'
import { spawnLogged } from '../process/start-child.ts'
import type { LocalAttemptRecord } from '../record/local-job-record.ts'
import type { SupervisorOrder } from './order.ts'

export function supervisorMarker(attempt: string): string {
  return `${attempt}/supervisor`
}

/**
 * Starts a supervisor in a session of its own: neither a terminal's signals nor the end of this
 * program reach it. Rejects with SpawnError.
 */
export async function startSupervisor(
  command: readonly string[],
  base: Record<string, string>,
  order: SupervisorOrder,
): Promise<ProcessRef | undefined> {
  const { folders, attempt } = order
  const env = { ...base, [markerVariable]: supervisorMarker(attempt.uid) }
  const options = { command, env, cwd: folders.root, logFile: folders.supervisorLog }
  return await spawnLogged(options, 'pipe', (child, pid) => {
    // It may end before it has read all: the caller sees its end.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(JSON.stringify(order))
    child.unref()
    return refIfKnown(pid)
  })
}

/**
 * The running supervisor of an attempt that this API, or one before, has started. Rejects if that
 * can't be found out.
 */
export async function findSupervisor({
  uid,
  supervisor,
}: LocalAttemptRecord): Promise<ProcessRef | undefined> {
  if (supervisor && isProcessRunning(supervisor)) return supervisor
  // The API may have been killed before it had written the process down.
  const [marked] = await markedProcesses(supervisorMarker(uid))
  return marked && refOf(marked.pid)
}
