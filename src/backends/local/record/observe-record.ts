import type { Attempt, ContainerObservation, Observation } from '../../../job/state/observation.ts'
import type { Reports } from '../../../job/state/said-by-uploader.ts'
import { defined } from '../../../util/objects.ts'
import type { LocalAttemptRecord, LocalJobRecord, ProcessRecord } from './local-job-record.ts'

/** The observation that a record and the uploader's log give. */
export function observeRecord(record: LocalJobRecord, said: Reports = {}): Observation {
  const { stop, ended, attempt, waiting, begunAt } = record
  const earlier = record.earlier?.flatMap(({ times }) => times ?? []) ?? []
  return {
    createdAt: record.createdAt,
    suspended: false,
    withoutClaims: true,
    failedAttempts: record.failedAttempts,
    ...defined({ waiting, begunAt, stop }),
    ...(stop?.outcome === 'deleted' && { deletedAt: stop.at }),
    ...defined({ ended }),
    ...(earlier.length > 0 && { earlier }),
    ...(attempt && { attempt: observeAttempt(attempt) }),
    ...said,
  }
}

export function observeAttempt(record: LocalAttemptRecord): Attempt {
  const { uid, number, host, uploader, worker, steps, interrupted, endedAt, used } = record
  return {
    uid,
    number,
    scheduled: true,
    ...defined({ scheduledAt: record.createdAt ?? uploader.startedAt, node: host, endedAt, used }),
    uploader: {
      ...observeProcess(uploader),
      ready: uploader.readyAt !== undefined,
      ...defined({ readyAt: uploader.readyAt, message: uploader.message }),
    },
    worker: { ...observeProcess(worker), ...defined({ cause: worker.cause, step: worker.step }) },
    ...defined({ steps, interrupted }),
    ended: endedAt !== undefined,
  }
}

function observeProcess({ startedAt, finishedAt, exitCode }: ProcessRecord): ContainerObservation {
  return {
    resolution: 0,
    restarts: 0,
    ...defined({ startedAt, finishedAt, exitCode }),
  }
}
