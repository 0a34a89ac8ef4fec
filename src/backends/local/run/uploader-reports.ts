import { text } from 'node:stream/consumers'
import { type SaidByUploader, saidByUploader } from '../../../job/state/said-by-uploader.ts'
import { interval } from '../../../util/timers.ts'
import { openLogFile } from '../files/log-file.ts'
import type { FollowedAttempt } from './follow-state.ts'

const pollMilliseconds = 500
/** The last one that counts may be followed by others. */
const lines = 20

/**
 * Shows what the uploader's log says: why it is not ready yet, then how much is stored and what
 * keeps the rest. It has no port here to be asked by. Returns the function that ends it.
 */
export function followReports(followed: FollowedAttempt): () => void {
  let reading = false
  let ended = false
  const look = async () => {
    if (reading) return
    reading = true
    const said = await readReports(followed).catch(() => ({}))
    reading = false
    const { job } = followed
    if (ended || JSON.stringify(said) === JSON.stringify(job.said)) return
    job.said = said
    job.changed()
  }
  const end = interval(() => void look(), pollMilliseconds)
  return () => {
    ended = true
    end()
  }
}

async function readReports({ attempt, folders }: FollowedAttempt): Promise<SaidByUploader> {
  const { worker, uploader } = attempt
  const isRunning = uploader.readyAt !== undefined && worker.finishedAt === undefined
  if (isRunning) return {}
  const log = await openLogFile(folders.uploaderLog, { tail: lines })
  return log === undefined ? {} : saidByUploader(await text(log), worker.finishedAt ?? 0)
}
