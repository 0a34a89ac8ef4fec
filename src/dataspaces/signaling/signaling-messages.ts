import * as z from 'zod'
import { check } from '../../util/checks/schema-errors.ts'
import { invalid } from '../../util/errors.ts'
import { isObject } from '../../util/objects.ts'

const text = (most: number) => z.string('a string').min(1, 'text').max(most, `at most ${most} characters`)
const id = text(1000)
// Connectors send null for absent members.
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined)
// A query or fragment would swallow the path that is appended, and the wrong receiver would get the
// credentials.
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

/**
 * The fields that begin a flow. `claims` and `metadata` are not used here, so only their form is
 * checked.
 */
export const beginMessage = z.object(
  {
    messageId: id,
    participantId: id,
    counterPartyId: id,
    dataspaceContext: id,
    // In a path `.` and `..` would lead away from the control plane's address.
    processId: text(255).refine((name) => name !== '.' && name !== '..', 'no . or ..'),
    agreementId: id,
    datasetId: id,
    profile: optional(id),
    claims: optional(object),
    metadata: optional(object),
    labels: optional(z.array(z.string('a string'), { error: 'a list of strings' })),
    dataAddress: optional(address),
    /** Name of the profile in connectors 0.16 to 0.18. */
    transferType: optional(id),
    /** The control plane's address in connectors 0.16 to 0.18. */
    callbackAddress: optional(baseAddress),
  },
  'an object',
)

/** A message to a flow that exists. */
export const signalMessage = z.object(
  {
    messageId: optional(id),
    reason: optional(z.string('a string').max(4000, 'at most 4000 characters')),
    dataAddress: optional(address),
  },
  'an object',
)

/** A ControlPlaneRegistrationMessage. */
export const registration = z.object(
  {
    controlplaneId: text(200),
    endpoint: baseAddress,
    authorization: optional(z.looseObject({ type: text(200) }, 'an object with a type')),
  },
  'an object',
)

export type BeginMessage = Omit<z.infer<typeof beginMessage>, 'transferType' | 'profile'> & {
  profile: string
  /** True if the message has the earlier field names. */
  earlier: boolean
}
export type SignalMessage = z.infer<typeof signalMessage>
export type ControlPlaneRegistration = z.infer<typeof registration>

/**
 * A DataFlowStartMessage or DataFlowPrepareMessage. Throws a Problem `invalid-request` that names
 * each wrong field.
 */
export function parseBegin(value: unknown): BeginMessage {
  const { transferType, ...message } = check(
    beginMessage,
    known(value, beginMessage.shape, ['claims', 'metadata']),
  )
  const profile = message.profile ?? transferType
  if (profile === undefined) throw invalid('profile', 'is missing', 'the transfer profile')
  const earlier = message.profile === undefined
  if (message.claims === undefined && !earlier) {
    throw invalid('claims', 'is missing', 'an object with the claims of the counterparty')
  }
  return { ...message, profile, earlier }
}

/**
 * A message to an existing flow. `earlier`: the flow was begun with the earlier field names, whose
 * messages have no id. Throws a Problem `invalid-request`.
 */
export function parseSignal(value: unknown, earlier: boolean): SignalMessage {
  const message = check(signalMessage, known(value, signalMessage.shape, []))
  if (message.messageId === undefined && !earlier) {
    throw invalid('messageId', 'is missing', 'a unique identifier for the message')
  }
  return message
}

/** A ControlPlaneRegistrationMessage. Throws a Problem `invalid-request`. */
export function parseRegistration(value: unknown): ControlPlaneRegistration {
  return check(registration, known(value, registration.shape, []))
}

/** The message's process id, read before the message is checked. */
export function processIdOf(value: unknown): string {
  const { processId } = isObject(value) ? value : {}
  return typeof processId === 'string' ? processId : ''
}

/**
 * Keeps the members that the schema knows and drops others, at every depth; `opaque` members lose
 * their content.
 */
function known(value: unknown, shape: Record<string, unknown>, opaque: readonly string[]): unknown {
  if (!isObject(value)) return value
  const members = Object.entries(value).filter(([name]) => Object.hasOwn(shape, name))
  return Object.fromEntries(
    members.map(([name, member]) => [name, opaque.includes(name) && isObject(member) ? {} : member]),
  )
}
