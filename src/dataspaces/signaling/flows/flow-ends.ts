import type { Job } from '../../../job/job.ts'
import type { Outbox } from '../../../notifications/outbox/outbox.ts'
import type { OwnObjects } from '../../../results/own-object.ts'
import type { Answers } from '../answers.ts'
import type { Called } from '../control-planes/control-plane-of.ts'
import type { Flow } from './flow.ts'
import { isTerminalFlowState, transition } from './flow-states.ts'
import type { Flows } from './flows.ts'
import { type Notice, noticeMessage, noticeUrl, terminateFlowMessage } from './notices.ts'
import { unreadable } from './unreadable.ts'

/** A request under way writes its flow's record within this time after its job's creation. */
const unwrittenMilliseconds = 30_000

export interface EndParts {
  flows: Flows
  answers: Pick<Answers, 'sent'>
  outbox: Pick<Outbox, 'add'>
  controlPlane(flow: Flow): Promise<Called | undefined>
  /** Rejects with a Problem if the job's results, or the named file, can't be read. */
  objects: Pick<OwnObjects, 'check'>
  /** The connector's management API, if configured. */
  managementUrl: string | undefined
}

/**
 * Continues a flow whose job has ended and notifies its control plane, after the answer to its
 * request. Idempotent. Rejects if it has to be called again.
 */
export async function jobEnded(parts: EndParts, id: string, job: Job): Promise<void> {
  const flow = await parts.flows.read(id)
  if (flow === undefined) {
    if (Date.now() - Date.parse(job.created_at) > unwrittenMilliseconds) return
    throw new Error(`the data flow ${id} is not written yet`)
  }
  if (isTerminalFlowState(flow.state) || flow.data.uuid !== job.job_uuid) return
  const error = failureOf(job, flow) ?? (await lacking(parts, flow))
  const [moved, notice] = error === undefined ? await ready(parts, id) : await failed(parts, id, error)
  if (moved === undefined || notice === undefined) return
  await parts.answers.sent(moved)
  const called = await parts.controlPlane(moved)
  await parts.outbox.add(noticeMessage(moved, notice, called ? noticeUrl(called, moved, notice) : ''))
  if (error === undefined || parts.managementUrl === undefined) return
  await parts.outbox.add(terminateFlowMessage(moved, error, parts.managementUrl))
}

type Moved = readonly [flow: Flow | undefined, notice: Notice | undefined]

async function ready({ flows }: EndParts, id: string): Promise<Moved> {
  let notice: Notice | undefined
  const flow = await flows.change(id, (current) => {
    const next = transition(current.state, 'ready', { dataReady: true, by: current.by })
    notice = undefined
    if (next === 'refused') return undefined
    const state = next === 'repeat' ? current.state : next.to
    notice = state === 'PREPARED' ? 'prepared' : 'started'
    return next === 'repeat' ? undefined : { ...current, state, by: 'ready' }
  })
  return [flow, notice]
}

/** Keeps the flow's state: the control plane decides on the transfer ("Errored"). */
async function failed({ flows }: EndParts, id: string, error: string): Promise<Moved> {
  let waits = false
  const flow = await flows.change(id, (current) => {
    waits = current.state === 'PREPARING' || current.state === 'STARTING'
    return waits && current.error === undefined ? { ...current, error } : undefined
  })
  return [flow, waits ? 'errored' : undefined]
}

async function lacking({ objects }: EndParts, { data }: Flow): Promise<string | undefined> {
  const missing = await unreadable(objects, data.uuid, data.file)
  return missing === undefined ? undefined : `The job ${data.uuid} left no such data: ${missing}`
}

function failureOf(job: Job, { data }: Flow): string | undefined {
  if (job.state === 'succeeded') return undefined
  // A request by the job's id gets the results as they are.
  if (!data.made && job.result.state === 'partial') return undefined
  const why = [job.reason, job.message].filter((part) => part !== null).join(': ')
  return `The job ${job.job_uuid} ${job.state}${why === '' ? '' : `: ${why}`}`
}
