import type { Jobs } from '../../lifecycle/jobs.ts'
import { messageOf, Problem } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'
import { defined } from '../../util/objects.ts'
import type { Flow } from './flows/flow.ts'
import { type FlowMessage, type FlowState, isTerminalFlowState, transition } from './flows/flow-states.ts'
import type { Flows } from './flows/flows.ts'
import { parseSignal } from './signaling-messages.ts'
import { closeData, type TokenParts } from './tokens/tokens.ts'

/** Messages of a control plane to an existing flow. */
export const signals = ['started', 'suspend', 'resume', 'completed', 'terminate'] as const
export type Signal = (typeof signals)[number]

export interface SignalParts extends TokenParts {
  flows: Flows
  jobs: Pick<Jobs, 'get' | 'cancel' | 'remove'>
  log: Log
}

/**
 * Applies a message to a flow; a repeated message repeats its effects on data and job. Rejects with
 * a Problem: `not-found`, or `conflict` if the flow's state doesn't allow the message.
 */
export async function signal(parts: SignalParts, id: string, message: Signal, body: unknown): Promise<Flow> {
  const before = await knownFlow(parts.flows, id)
  // Connectors may send `completed` without a body.
  const given = message === 'completed' ? {} : parseSignal(body, before.earlier)
  const { reason } = given as { reason?: string }
  const flow = await move(parts.flows, id, message, reason)
  await closeData(parts, flow)
  if (isTerminalFlowState(flow.state)) await endJob(parts, flow)
  return flow
}

/** Rejects with a Problem `not-found` if there is no such flow. */
export async function knownFlow(flows: Flows, id: string): Promise<Flow> {
  const flow = await flows.read(id)
  if (flow === undefined) throw unknownFlow(id)
  return flow
}

async function move(
  flows: Flows,
  id: string,
  message: FlowMessage,
  reason: string | undefined,
): Promise<Flow> {
  let refused: FlowState | undefined
  const flow = await flows.change(id, (current) => {
    const next = transition(current.state, message, { dataReady: true, by: current.by })
    refused = next === 'refused' ? current.state : undefined
    if (typeof next === 'string') return undefined
    const { reason: _before, ...rest } = current
    return { ...rest, state: next.to, by: message, ...defined({ reason }) }
  })
  if (flow === undefined) throw unknownFlow(id)
  if (refused === undefined) return flow
  throw new Problem('conflict', `The data flow ${id} is ${refused}: ${message} is not possible`)
}

/** Cancels the job that was made for a flow, or removes it if the dataset says so. */
async function endJob({ jobs, log }: SignalParts, { id, state, data }: Flow): Promise<void> {
  if (!data.made) return
  if (data.remove === 'job') return await jobs.remove(data.uuid)
  if (state !== 'TERMINATED') return
  try {
    await jobs.cancel(data.uuid)
  } catch (error) {
    if (!(error instanceof Problem && error.code === 'not-found')) throw error
    log.debug({ flow: id, job: data.uuid, error: messageOf(error) }, 'the job of a terminated flow is gone')
  }
}

function unknownFlow(id: string): Problem {
  return new Problem('not-found', `There is no data flow ${id}`)
}
