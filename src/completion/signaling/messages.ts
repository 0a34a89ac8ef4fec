import * as z from 'zod'
import { invalid } from '../../errors.ts'
import { check } from '../../job/schema-errors.ts'

const text = (most: number) => z.string('a string').min(1, 'text').max(most, `at most ${most} characters`)
const id = text(1000)
// Connectors write what is absent as null.
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined)
// A query or fragment would swallow the path that is put behind it, and its receiver gets a control plane's credentials.
const baseAddress = z
  .url({ protocol: /^https?$/, error: 'an http:// or https:// address' })
  .refine((url) => !/[?#]/.test(url), 'an http:// or https:// address without query and fragment')
const object = z.record(z.string(), z.unknown(), { error: 'an object' })
const address = z.looseObject(
  {
    endpointType: optional(z.string('a string')),
    endpoint: optional(z.string('a string')),
    endpointProperties: optional(
      z.array(z.looseObject({ name: z.string('a string'), value: z.string('a string') }, 'an object'), {
        error: 'a list of {name, value}',
      }),
    ),
  },
  'an object',
)

/** The fields that begin a flow. Of `claims` and `metadata` only the form is checked: they say nothing to this data plane. */
const base = z.object(
  {
    messageId: id,
    participantId: id,
    counterPartyId: id,
    dataspaceContext: id,
    // In a path these would lead away from the control plane's address.
    processId: text(255).refine((name) => name !== '.' && name !== '..', 'no . or ..'),
    agreementId: id,
    datasetId: id,
    profile: optional(id),
    claims: optional(object),
    metadata: optional(object),
    labels: optional(z.array(z.string('a string'), { error: 'a list of strings' })),
    dataAddress: optional(address),
    /** As connectors 0.16 to 0.18 name the profile. */
    transferType: optional(id),
    /** As they say where the control plane is called. */
    callbackAddress: optional(baseAddress),
  },
  'an object',
)

const signal = z.object(
  {
    messageId: optional(id),
    reason: optional(z.string('a string').max(4000, 'at most 4000 characters')),
    dataAddress: optional(address),
  },
  'an object',
)

const registration = z.object(
  {
    controlplaneId: text(200),
    endpoint: baseAddress,
    authorization: optional(z.looseObject({ type: text(200) }, 'an object with a type')),
  },
  'an object',
)

export type BeginMessage = Omit<z.infer<typeof base>, 'transferType' | 'profile'> & {
  profile: string
  /** It came with the earlier field names. */
  earlier: boolean
}
export type SignalMessage = z.infer<typeof signal>
export type ControlPlaneRegistration = z.infer<typeof registration>

/** A DataFlowStartMessage or DataFlowPrepareMessage. Rejects with a Problem `invalid-request` naming each wrong field. */
export function parseBegin(value: unknown): BeginMessage {
  const { transferType, ...message } = check(base, known(value, base.shape, ['claims', 'metadata']))
  const profile = message.profile ?? transferType
  if (profile === undefined) throw invalid('profile', 'is missing', 'the transfer profile')
  const earlier = message.profile === undefined
  if (message.claims === undefined && !earlier) {
    throw invalid('claims', 'is missing', 'an object with the claims of the counterparty')
  }
  return { ...message, profile, earlier }
}

/**
 * A message to a flow that there is already. `earlier`: of a flow that was begun with the earlier field names, whose
 * messages have no id. Rejects with a Problem `invalid-request`.
 */
export function parseSignal(value: unknown, earlier: boolean): SignalMessage {
  const message = check(signal, known(value, signal.shape, []))
  if (message.messageId === undefined && !earlier) {
    throw invalid('messageId', 'is missing', 'a unique identifier for the message')
  }
  return message
}

/** A ControlPlaneRegistrationMessage. Rejects with a Problem `invalid-request`. */
export function parseRegistration(value: unknown): ControlPlaneRegistration {
  return check(registration, known(value, registration.shape, []))
}

/** The process that a message is about, before it is known whether that is right. */
export function processIdOf(value: unknown): string {
  const { processId } = (isObject(value) ? value : {}) as { processId?: unknown }
  return typeof processId === 'string' ? processId : ''
}

/** Only what the schema knows: other members are tolerated, however deeply they are nested. Of `opaque` ones no content. */
function known(value: unknown, shape: Record<string, unknown>, opaque: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const members = Object.entries(value).filter(([name]) => Object.hasOwn(shape, name))
  return Object.fromEntries(
    members.map(([name, member]) => [name, opaque.includes(name) && isObject(member) ? {} : member]),
  )
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
