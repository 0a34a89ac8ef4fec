import {
  type Message,
  type MessageKind,
  type MessageName,
  MessageWithdrawn,
  type ReceiverVerdict,
} from '../../notifications/outbox/outbox.ts'
import { messageOf, Problem } from '../../util/errors.ts'
import { callbackUrl, provisionedBody, terminateBody, terminateUrl } from './edc-messages.ts'
import type { EdcSettings } from './edc-settings.ts'
import { callbackHeaders, isConnectors } from './edc-settings.ts'
import { type AccessParts, giveAccess, revokeAccess } from './give-access.ts'
import type { Provision, StoredProvisions } from './stored-provision.ts'

export interface KindParts {
  provisions: StoredProvisions
  access: AccessParts
  edc: EdcSettings
  /** The provision failed: its transfer has to end. */
  failed(provision: Provision, reason: string): Promise<void>
  /** The connector accepted the callback. */
  told(id: string): Promise<void>
}

/** A message's `data`. */
export interface MessageData {
  provision: string
  reason?: string
}

/**
 * Sends a connector the data address. Its secrets are made for each attempt and are never stored.
 */
export function provisionedKind({ provisions, access, edc, failed, told }: KindParts): MessageKind {
  return {
    kind: 'edc-provisioned',
    async prepare(message) {
      const provision = await wanted(provisions, message)
      const { address, resourceName } = await giveAccess(access, provision).catch(asWithdrawn)
      if (!(await isWanted(provisions, provision.id))) {
        await revokeAccess(access, provision)
        throw new MessageWithdrawn('it was deprovisioned meanwhile')
      }
      const { request } = provision
      return post(message.url, provisionedBody(request, address, resourceName), edc)
    },
    judge: judgeCallback,
    async onEnd(message, delivery) {
      if (delivery.state === 'delivered') return await told(dataOf(message).provision)
      const provision = await provisions.read(dataOf(message).provision)
      if (provision === undefined || provision.deprovisioned_at !== undefined) return
      const { status, error } = delivery.attempts.at(-1) ?? {}
      await failed(provision, error ?? `the connector answered its callback with ${status}`)
    },
    remake: (name) => remade(provisions, name, provisionedMessage),
  }
}

/** Terminates a transfer by the management API, the only way to report a failure to a connector. */
export function terminateKind({ provisions, edc }: Pick<KindParts, 'provisions' | 'edc'>): MessageKind {
  return {
    kind: 'edc-terminate',
    prepare(message) {
      const reason = dataOf(message).reason ?? ''
      const { managementUrl, managementApiKey } = edc
      if (managementUrl === undefined) {
        const detail = 'EDC_MANAGEMENT_URL is not set, so the transfer waits until it is terminated by hand'
        return Promise.reject(new MessageWithdrawn(`${reason}; ${detail}`))
      }
      return Promise.resolve({
        method: 'POST',
        url: message.url,
        headers: callbackHeaders(managementApiKey),
        body: JSON.stringify(terminateBody(reason)),
        trusted: true,
      })
    },
    // 409: the transfer is over already, or the connector is busy with it.
    judge: (status) =>
      status >= 200 && status < 300 ? 'delivered' : endsTermination(status) ? 'end' : 'again',
    remake: (name) =>
      remade(provisions, name, (provision) =>
        terminateTransferMessage(provision, 'its data can not be had', edc),
      ),
  }
}

/** Notifies a data plane that the resource was deprovisioned. */
export function deprovisionedKind({ edc }: Pick<KindParts, 'edc'>): MessageKind {
  return {
    kind: 'edc-deprovisioned',
    prepare: (message) => Promise.resolve(post(message.url, {}, edc)),
    judge: judgeCallback,
  }
}

export function provisionedMessage(provision: Provision): Message {
  const { id, uuid, request } = provision
  return {
    id: `edc-${id}-${created(provision)}`,
    lane: laneOf(id),
    kind: 'edc-provisioned',
    job: uuid,
    url: callbackUrl(request, 'provision'),
    data: { provision: id } satisfies MessageData,
  }
}

export function terminateTransferMessage(provision: Provision, reason: string, edc: EdcSettings): Message {
  const { id, uuid, request } = provision
  const { managementUrl } = edc
  return {
    id: `edc-end-${id}-${created(provision)}`,
    lane: laneOf(id),
    seq: 1,
    kind: 'edc-terminate',
    job: uuid,
    url:
      managementUrl === undefined
        ? callbackUrl(request, 'provision')
        : terminateUrl(managementUrl, request.transfer),
    data: { provision: id, reason } satisfies MessageData,
  }
}

/** With `job` if the job still exists. */
export function deprovisionedMessage(id: string, request: Provision['request'], at: number): Message {
  return {
    id: `edc-gone-${id}-${at}`,
    lane: laneOf(id),
    seq: 2,
    kind: 'edc-deprovisioned',
    url: callbackUrl(request, 'deprovision'),
    data: { provision: id } satisfies MessageData,
  }
}

/** The provision of a message, found by the name of its lane. */
async function remade(
  provisions: StoredProvisions,
  { lane }: MessageName,
  make: (provision: Provision) => Message,
): Promise<Message | undefined> {
  const id = /^provision-([0-9a-f]+)$/.exec(lane)?.[1]
  const provision = id === undefined ? undefined : await provisions.read(id)
  return provision && make(provision)
}

function laneOf(id: string): string {
  return `provision-${id}`
}

function created({ created_at }: Provision): number {
  return Date.parse(created_at)
}

function dataOf({ data }: Message): MessageData {
  return data as MessageData
}

async function wanted(provisions: StoredProvisions, message: Message): Promise<Provision> {
  const provision = await provisions.read(dataOf(message).provision)
  if (provision !== undefined && provision.deprovisioned_at === undefined) return provision
  throw new MessageWithdrawn('it was deprovisioned')
}

async function isWanted(provisions: StoredProvisions, id: string): Promise<boolean> {
  const provision = await provisions.read(id)
  return provision !== undefined && provision.deprovisioned_at === undefined
}

/** Withdraws the message if access can never be given; every other failure is tried again. */
function asWithdrawn(error: unknown): never {
  const isOver = error instanceof Problem && !['unavailable', 'internal', 'not-final'].includes(error.code)
  throw isOver ? new MessageWithdrawn(messageOf(error), { cause: error }) : error
}

function post(url: string, body: unknown, edc: EdcSettings) {
  const isKnown = isConnectors(url, edc)
  return {
    method: 'POST' as const,
    url,
    headers: callbackHeaders(isKnown ? edc.apiKey : undefined),
    body: JSON.stringify(body),
    ...(isKnown && { trusted: true }),
  }
}

/**
 * Statuses with which a connector refuses for good. Not among them: 404 (a gateway sends it while a
 * connector starts), 409 (the connector is still busy with the transfer) and 401 (the key can be
 * corrected).
 */
function judgeCallback(status: number): ReceiverVerdict {
  if (status >= 200 && status < 300) return 'delivered'
  return [400, 405, 410, 413, 415, 422].includes(status) ? 'end' : 'again'
}

function endsTermination(status: number): boolean {
  return [400, 404, 405, 410, 413, 415, 422].includes(status)
}
