import { randomUUID } from 'node:crypto'
import { type Message, type MessageKind, MessageWithdrawn } from '../../../notifications/outbox/outbox.ts'
import type { Log } from '../../../util/log.ts'
import { defined } from '../../../util/objects.ts'
import { terminateUrl } from '../../provisioning/edc-messages.ts'
import { type AuthorizationParts, authorizationHeaders } from '../control-planes/authorization.ts'
import type { Called } from '../control-planes/control-plane-of.ts'
import type { DataAddress } from '../flow-data-address.ts'
import { type Flow, flowKey } from './flow.ts'
import type { FlowState } from './flow-states.ts'

/** Notices that this data plane sends to a control plane by itself. */
export type Notice = (typeof notices)[number]

/** In the order of sending. */
const notices = ['prepared', 'started', 'errored'] as const

export interface NoticeParts extends AuthorizationParts {
  log: Log
  readFlow(id: string): Promise<Flow | undefined>
  controlPlane(flow: Flow): Promise<Called | undefined>
  /** Made with a new token each time, since tokens are not stored. */
  address(flow: Flow): Promise<DataAddress>
}

/** A DataFlowStatusMessage. */
export interface StatusMessage {
  messageId: string
  dataFlowId: string
  state: FlowState
  dataAddress?: DataAddress
  error?: string
  /** Connectors 0.16 identify the data plane by it. */
  dataplaneId?: string
}

/** The message about a flow's status. */
export function statusMessage(
  flow: Pick<Flow, 'id' | 'state' | 'error' | 'earlier'>,
  dataplaneId: string,
  address?: DataAddress,
): StatusMessage {
  return {
    messageId: randomUUID(),
    dataFlowId: flow.id,
    state: flow.state,
    ...defined({ dataAddress: address, error: flow.error }),
    ...(flow.earlier && { dataplaneId }),
  }
}

/** The outbox message that notifies a flow's control plane; `url` is its present address. */
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

/**
 * Connectors only log `errored`, so the transfer is terminated by the management API if that is
 * configured.
 */
export function terminateFlowMessage(flow: Flow, reason: string, managementUrl: string): Message {
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

/**
 * The kind of message for notices; each attempt uses the control plane's and the flow's present
 * state.
 */
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
      // A control plane refuses with a 4xx while it still stores the answer to its request.
      return [400, 410, 413, 415, 422].includes(status) ? 'end' : 'again'
    },

    async onEnd(message, { state }) {
      if (state === 'delivered') return
      parts.log.error(
        { ...(message.data as object), url: message.url, state },
        'a control plane could not be notified of its data flow',
      )
    },

    async remake({ lane, seq }) {
      // Possible if the flow's id can be read from its key; the control plane is looked up at each
      // attempt.
      const id = /^flow-(.+)$/.exec(lane)?.[1]
      const notice = seq === undefined ? undefined : notices[seq]
      const flow = id === undefined || notice === undefined ? undefined : await parts.readFlow(id)
      return flow && notice && noticeMessage(flow, notice, '')
    },
  }
}

/**
 * Outdated notices are not sent: a suspended flow gets its address with the answer to its
 * resumption.
 */
function isDue(flow: Flow, notice: Notice): boolean {
  if (notice === 'errored') return flow.state !== 'TERMINATED' && flow.state !== 'COMPLETED'
  return flow.state === (notice === 'started' ? 'STARTED' : 'PREPARED')
}
