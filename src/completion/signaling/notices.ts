import { randomUUID } from 'node:crypto'
import type { Log } from '../../log.ts'
import { type Message, type MessageKind, MessageWithdrawn } from '../outbox/outbox.ts'
import { terminateUrl } from '../provision/messages.ts'
import { type AuthorizationParts, authorizationHeaders } from './authorization.ts'
import type { Called } from './control-plane-of.ts'
import type { DataAddress } from './data-address.ts'
import { type Flow, flowKey } from './flow.ts'
import type { FlowState } from './states.ts'

/** What this data plane tells a control plane by itself. */
export type Notice = (typeof notices)[number]

/** In the order in which they are told. */
const notices = ['prepared', 'started', 'errored'] as const

export interface NoticeParts extends AuthorizationParts {
  log: Log
  readFlow(id: string): Promise<Flow | undefined>
  controlPlane(flow: Flow): Promise<Called | undefined>
  /** A new token each time: none lies in the store. */
  address(flow: Flow): Promise<DataAddress>
}

/** A DataFlowStatusMessage. */
export interface StatusMessage {
  messageId: string
  dataFlowId: string
  state: FlowState
  dataAddress?: DataAddress
  error?: string
  /** Connectors 0.16 know the data plane by it. */
  dataplaneId?: string
}

/** A flow's status, as its control plane is told. */
export function statusMessage(
  flow: Pick<Flow, 'id' | 'state' | 'error' | 'earlier'>,
  dataplaneId: string,
  address?: DataAddress,
): StatusMessage {
  return {
    messageId: randomUUID(),
    dataFlowId: flow.id,
    state: flow.state,
    ...(address && { dataAddress: address }),
    ...(flow.error !== undefined && { error: flow.error }),
    ...(flow.earlier && { dataplaneId }),
  }
}

/** The message that tells a flow's control plane; `url` is where that is at present. */
export function noticeMessage(flow: Flow, notice: Notice, url: string): Message {
  const key = flowKey(flow.id)
  return {
    id: `${key}-${notice}`,
    lane: `flow-${key}`,
    seq: notices.indexOf(notice),
    kind: 'dataflow',
    event: notice,
    job: flow.data.uuid,
    url,
    data: { flow: flow.id, notice },
  }
}

export function noticeUrl({ endpoint }: Called, flow: Pick<Flow, 'id'>, notice: Notice): string {
  return `${endpoint}/transfers/${encodeURIComponent(flow.id)}/dataflow/${notice}`
}

/** Connectors note an `errored` in their log alone: where their management API is known, it ends the transfer. */
export function terminateMessage(flow: Flow, reason: string, managementUrl: string): Message {
  const key = flowKey(flow.id)
  return {
    id: `${key}-terminate`,
    lane: `flow-${key}-end`,
    kind: 'edc-terminate',
    job: flow.data.uuid,
    url: terminateUrl(managementUrl, flow.id),
    data: { provision: flow.id, reason },
  }
}

/** How notices are sent: to where the control plane is now, with what the flow is now. */
export function noticeKind(parts: NoticeParts): MessageKind {
  return {
    kind: 'dataflow',

    async prepare(message) {
      const { flow: id, notice } = message.data as { flow: string; notice: Notice }
      const flow = await parts.readFlow(id)
      if (flow === undefined || !isDue(flow, notice)) {
        throw new MessageWithdrawn(`the data flow is ${flow?.state ?? 'unknown'}`)
      }
      const called = await parts.controlPlane(flow)
      if (called === undefined) throw new Error('no control plane is known: none is registered or configured')
      const address = notice === 'started' ? await parts.address(flow) : undefined
      const headers = await authorizationHeaders(called, parts)
      return {
        method: 'POST',
        url: noticeUrl(called, flow, notice),
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(statusMessage(flow, parts.dataplaneId, address)),
        trusted: called.trusted,
      }
    },

    judge(status) {
      if (status >= 200 && status < 300) return 'delivered'
      // A control plane refuses with a 4xx while it is still writing down the answer to what it asked for.
      return [400, 410, 413, 415, 422].includes(status) ? 'end' : 'again'
    },

    async onEnd(message, { state }) {
      if (state === 'delivered') return
      parts.log.error(
        { ...(message.data as object), url: message.url, state },
        'a control plane was not told of its data flow',
      )
    },

    async remake({ lane, seq }) {
      // Of a flow whose id can be told from its key; where its control plane is, is looked up at each try.
      const id = /^flow-(.+)$/.exec(lane)?.[1]
      const notice = seq === undefined ? undefined : notices[seq]
      const flow = id === undefined || notice === undefined ? undefined : await parts.readFlow(id)
      return flow && notice && noticeMessage(flow, notice, '')
    },
  }
}

/** What has been overtaken isn't said: a flow that was suspended gets its address with the answer to its resumption. */
function isDue(flow: Flow, notice: Notice): boolean {
  if (notice === 'errored') return flow.state !== 'TERMINATED' && flow.state !== 'COMPLETED'
  return flow.state === (notice === 'started' ? 'STARTED' : 'PREPARED')
}
