import { messageOf } from '../../errors.ts'
import { isFinal } from '../../job/job.ts'
import type { Jobs } from '../../lifecycle/jobs.ts'
import type { Log } from '../../log.ts'
import type { Answers } from './answers.ts'
import { type BeginParts, begin } from './begin.ts'
import { type EndParts, jobEnded } from './ends.ts'
import type { Flow } from './flow.ts'
import { processIdOf } from './messages.ts'
import { type StatusMessage, statusMessage } from './notices.ts'
import type { SignalingSettings } from './settings.ts'
import { newAddress, publicUrlOf, type TokenParts } from './tokens.ts'

/** What has begun, and its answer. */
export interface Begun {
  message: StatusMessage
  /** Its data are still to come. */
  waits: boolean
  /** To be called once the answer was `sent`, or never will be: the control plane is told nothing before. */
  answered(sent: boolean): void
}

export interface BeginAnsweredParts extends BeginParts, EndParts, TokenParts {
  flows: BeginParts['flows']
  jobs: BeginParts['jobs'] & Pick<Jobs, 'waitForFinal'>
  answers: Answers
  settings: SignalingSettings
  controlPlane: BeginParts['controlPlane']
  log: Log
}

/** As begin(), with the answer that the control plane gets. */
export async function beginAnswered(
  parts: BeginAnsweredParts,
  kind: 'start' | 'prepare',
  body: unknown,
  controlPlane: string | undefined,
): Promise<Begun> {
  publicUrlOf(parts)
  const sent = parts.answers.begin(processIdOf(body))
  try {
    const flow = await begin(parts, kind, body, controlPlane)
    const waits = flow.state === 'PREPARING' || flow.state === 'STARTING'
    const address = flow.state === 'STARTED' ? await newAddress(parts, flow) : undefined
    const answered = (wasSent: boolean) => {
      sent(wasSent ? 'sent' : 'lost')
      if (waits) settle(parts, flow)
    }
    return { message: statusMessage(flow, parts.settings.dataplaneId, address), waits, answered }
  } catch (error) {
    sent('refused')
    throw error
  }
}

/** By then every replica knows that a job has ended of which another one was told. */
const knownMilliseconds = 3000

/**
 * The job may have ended before its flow was written, when whoever was told of it found no flow. Of a job that somebody
 * else made, too old to be waited for by them, this process may come to know a moment later.
 */
function settle(parts: BeginAnsweredParts, { id, data }: Flow): void {
  const { jobs } = parts
  const look = async () => {
    const job = await (data.made ? jobs.get(data.uuid) : jobs.waitForFinal(data.uuid, knownMilliseconds))
    if (job && isFinal(job.state)) await jobEnded(parts, id, job)
  }
  look().catch((error: unknown) =>
    parts.log.warn(
      { flow: id, job: data.uuid, error: messageOf(error) },
      'a data flow could not be looked at',
    ),
  )
}
