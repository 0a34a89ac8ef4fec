import type { Attempt, Stop } from '../state/observation.ts'
import { nameOfProgram } from '../steps/step-states.ts'
import type { HeardWord } from './heard-word.ts'
import { wordVariable } from './word-folder.ts'

/**
 * The stop of an attempt whose running program has been silent for `heartbeat_seconds`; undefined
 * as long as that isn't proved. The proof is the uploader's: it watched all that time, and the
 * program ran. What nobody watched, and the time before a program's start, don't count.
 */
export function heartbeatStop(
  attempt: Pick<Attempt, 'worker' | 'steps'>,
  heard: HeardWord | undefined,
  seconds: number | undefined,
  now: number,
): Stop | undefined {
  const running = runningProgram(attempt)
  if (seconds === undefined || heard?.silentSeconds === undefined || running === undefined) return undefined
  // Both by the node's clock; the start may be reported up to a second too early.
  const ranSeconds = (heard.at - running.startedAt - attempt.worker.resolution) / 1000
  if (Math.min(heard.silentSeconds, ranSeconds) < seconds) return undefined
  const program = nameOfProgram(running.name)
  const message = `${program} wrote no file in ${wordVariable} for ${seconds} s (\`heartbeat_seconds\`)`
  return { outcome: 'failed', at: now, cause: { reason: 'HeartbeatMissed', message } }
}

function runningProgram({ worker, steps }: Pick<Attempt, 'worker' | 'steps'>) {
  const running =
    steps === undefined ? worker : steps.find(({ startedAt, finishedAt }) => startedAt && !finishedAt)
  if (running?.startedAt === undefined || running.finishedAt !== undefined) return undefined
  const { startedAt } = running
  return { startedAt, name: 'name' in running ? running.name : undefined }
}
