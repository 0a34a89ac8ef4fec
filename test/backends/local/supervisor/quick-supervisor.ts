import { text } from 'node:stream/consumers'
import { refOf } from '../../../../src/backends/local/process/process-table.ts'
import { writeState } from '../../../../src/backends/local/supervisor/attempt-state.ts'
import type { SupervisorOrder } from '../../../../src/backends/local/supervisor/order.ts'

/** A supervisor whose first state is its last one: the worker has started and ended. */
if (import.meta.main) {
  const { attempt, folders } = JSON.parse(await text(process.stdin)) as SupervisorOrder
  const supervisor = refOf(process.pid)
  if (supervisor) attempt.supervisor = supervisor
  attempt.uploader = { startedAt: 500, readyAt: 800, finishedAt: 2500, exitCode: 0 }
  attempt.worker = { launchedAt: 900, startedAt: 1000, finishedAt: 2000, exitCode: 0 }
  await writeState(folders.root, { version: 1, attempt, done: true })
}
