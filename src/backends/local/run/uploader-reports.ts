import { text } from 'node:stream/consumers'
import { type Reports, saidByUploader } from '../../../job/state/said-by-uploader.ts'
import { heardWord } from '../../../job/word/heard-word.ts'
import { defined } from '../../../util/objects.ts'
import { interval } from '../../../util/timers.ts'
import { openLogFile } from '../files/log-file.ts'
import type { FollowedAttempt } from './follow-state.ts'

const pollMilliseconds = 500
/** The last one that counts may be followed by others. */
const lines = 20

/**
 * Shows what the uploader's log says: why it is not ready yet, then what the worker says of itself,
 * then how much is stored and what keeps the rest. It has no port here to be asked by. Returns the function that ends it.
 */
export function followReports(followed: FollowedAttempt): () => void {
  followed.job.said = {}
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

async function readReports({ attempt, folders }: FollowedAttempt): Promise<Reports> {
  const { worker, uploader } = attempt
  const log = await openLogFile(folders.uploaderLog, { tail: lines })
  if (log === undefined) return {}
  const tail = await text(log)
  const heard = defined({ heard: heardWord(tail) })
  const isRunning = uploader.readyAt !== undefined && worker.finishedAt === undefined
  return isRunning ? heard : { ...saidByUploader(tail, worker.finishedAt ?? 0), ...heard }
}
