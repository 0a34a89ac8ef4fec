import type { Attempt, ContainerObservation, Observation } from '../job/observation.ts'
import type { AttemptRecord, JobRecord, ProcessRecord } from './record.ts'

/** A record in the words of every backend. `blocked` is what an uploader that isn't ready complains of. */
export function observe(record: JobRecord, blocked?: Observation['blocked']): Observation {
  const { stop, ended, attempt } = record
  return {
    createdAt: record.createdAt,
    suspended: false,
    failedAttempts: record.failedAttempts,
    ...(stop && { stop }),
    ...(stop?.outcome === 'deleted' && { deletedAt: stop.at }),
    ...(ended && { ended }),
    ...(attempt && { attempt: observeAttempt(attempt) }),
    ...(blocked && { blocked }),
  }
}

function observeAttempt({ uid, number, uploader, worker, interrupted, endedAt }: AttemptRecord): Attempt {
  return {
    uid,
    number,
    scheduled: true,
    uploader: {
      ...observeProcess(uploader),
      ready: uploader.readyAt !== undefined,
      ...(uploader.message !== undefined && { message: uploader.message }),
    },
    worker: { ...observeProcess(worker), ...(worker.cause && { cause: worker.cause }) },
    ...(interrupted && { interrupted }),
    ended: endedAt !== undefined,
  }
}

function observeProcess({ startedAt, finishedAt, exitCode }: ProcessRecord): ContainerObservation {
  return {
    resolution: 0,
    restarts: 0,
    ...(startedAt !== undefined && { startedAt }),
    ...(finishedAt !== undefined && { finishedAt }),
    ...(exitCode !== undefined && { exitCode }),
  }
}
