import { type Job, phaseOf, states } from '../../job/job.ts'
import { messageOf } from '../../util/errors.ts'
import { jobOfRecord } from '../job-answer.ts'
import type { ListedRecord } from '../records/final-record.ts'
import { positionTime } from '../records/list-position.ts'
import { isDamagedRecord } from '../records/records.ts'

/** A finished job in the index. */
export interface Recorded {
  uuid: string
  position: string
  state: string
  read(): Promise<ListedRecord | undefined>
}

/** A finished job as callers see it; undefined if it is gone. */
export async function readRecorded(entry: Recorded): Promise<Job | undefined> {
  try {
    const record = await entry.read()
    return record && jobOfRecord(record, Date.now())
  } catch (error) {
    if (!isDamagedRecord(error)) throw error
    return withoutRecord(entry, messageOf(error))
  }
}

/** What the index says of a job with a damaged record, so that the other jobs can be listed. */
function withoutRecord({ uuid, position, state: said }: Recorded, message: string): Job {
  const state = states.find((one) => one === said) ?? 'failed'
  return {
    job_uuid: uuid,
    job: null,
    state,
    phase: phaseOf(state),
    reason: null,
    message,
    exit_code: null,
    attempt: null,
    created_at: new Date(positionTime(position)).toISOString(),
    started_at: null,
    finished_at: null,
    result: { state: null, count: null, bytes: null },
  }
}

/** The jobs in order, 16 of them read at once. */
export async function readAll(
  entries: readonly { read(): Promise<Job | undefined> }[],
): Promise<(Job | undefined)[]> {
  const jobs: (Job | undefined)[] = entries.map(() => undefined)
  const rest = entries.entries()
  const readRest = async () => {
    for (const [at, entry] of rest) jobs[at] = await entry.read()
  }
  await Promise.all(Array.from({ length: atOnce }, readRest))
  return jobs
}

const atOnce = 16
