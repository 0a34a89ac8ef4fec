import type { ContainerLog, ReadLogOptions } from '../../job/backend.ts'
import { attemptFolders, logFileOf } from './files/job-folders.ts'
import { openLogFile } from './files/log-file.ts'
import type { LocalJob } from './record/local-job.ts'

/** As JobBackend.log(); `find` gives the job as long as it is there. */
export async function openLocalLog(
  directory: string,
  find: () => LocalJob | undefined,
  options: ReadLogOptions,
): Promise<ContainerLog | undefined> {
  const job = find()
  const { container, tail, follow, signal } = options
  const attempt = job?.record.attempt
  if (job !== undefined && options.attempt !== undefined && options.attempt !== attempt?.number) {
    return await openEarlierLog(directory, job, options)
  }
  if (job === undefined || attempt === undefined) return undefined
  const folders = attemptFolders(directory, job.uuid, attempt.uid)
  // By the attempt itself: the job may have another one by then.
  const hasEnded = () => {
    const ofStep = attempt.steps?.find(({ name }) => name === options.step)?.finishedAt
    return (attempt.endedAt ?? ofStep ?? attempt[container].finishedAt) !== undefined
  }
  const stream = await openLogFile(logFileOf(folders, options), {
    tail,
    signal,
    isComplete: follow ? () => hasEnded() || find() !== job : undefined,
  })
  return stream && { stream, fromBeginning: true }
}

async function openEarlierLog(
  directory: string,
  { uuid, record }: LocalJob,
  options: ReadLogOptions,
): Promise<ContainerLog | undefined> {
  const { attempt: number, tail, signal } = options
  const earlier = record.earlier?.find((one) => one.number === number)
  if (earlier === undefined) return undefined
  const folders = attemptFolders(directory, uuid, earlier.uid)
  const stream = await openLogFile(logFileOf(folders, options), { tail, signal })
  return stream && { stream, fromBeginning: true }
}
