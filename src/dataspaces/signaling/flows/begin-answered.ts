import { isFinal } from '../../../job/job.ts'
import type { Jobs } from '../../../lifecycle/jobs.ts'
import { messageOf } from '../../../util/errors.ts'
import type { Log } from '../../../util/log.ts'
import type { Answers } from '../answers.ts'
import { processIdOf } from '../signaling-messages.ts'
import type { SignalingSettings } from '../signaling-settings.ts'
import { newAddress, publicUrlOf, type TokenParts } from '../tokens/tokens.ts'
import { type BeginParts, beginFlow } from './begin.ts'
import type { Flow } from './flow.ts'
import { type EndParts, jobEnded } from './flow-ends.ts'
import { type StatusMessage, statusMessage } from './notices.ts'

/** A flow that has begun, and the answer to its request. */
export interface FlowAnswer {
  message: StatusMessage
  /** True while its data is not ready. */
  waits: boolean
  /** Called once the answer was sent or lost; the control plane is notified only after that. */
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
): Promise<FlowAnswer> {
  publicUrlOf(parts)
  const sent = parts.answers.begin(processIdOf(body))
  try {
    const flow = await beginFlow(parts, kind, body, controlPlane)
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

/** Within this time every replica knows the end of a job that another replica was notified of. */
const knownMilliseconds = 3000

/**
 * Looks at the job once more: it may have ended before its flow was written, and the consumer of
 * its end then found no flow. This process may learn a moment later of the end of a job that
 * another caller deployed.
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
      'the job of a data flow could not be read',
    ),
  )
}
