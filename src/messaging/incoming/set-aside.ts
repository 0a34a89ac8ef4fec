import { randomUUID } from 'node:crypto'
import type { ConsumeMessage, MessageProperties, Options } from 'amqplib'
import { defined } from '../../util/objects.ts'
import type { Publication } from '../broker/broker.ts'
import { type BrokerNames, laterQueue } from '../broker/names.ts'

const triesHeader = 'x-jobferry-tries'
/** In UTF-8, as JSON: amqplib writes at most 64 KiB, and some values become longer there. */
const mostHeaderBytes = 32 * 1024
const mostErrors = 20
const mostDetail = 4_000

/** Times that a message was tried before. */
export function triesOf({ headers }: MessageProperties): number {
  const tries: unknown = headers?.[triesHeader]
  return typeof tries === 'number' && tries > 0 ? Math.floor(tries) : 0
}

/** A copy that comes back to the queue after so many seconds. */
export function deferred(message: ConsumeMessage, { queue }: BrokerNames, seconds: number): Publication {
  const headers = { ...foreignHeaders(message), [triesHeader]: triesOf(message.properties) + 1 }
  return copyFor('', laterQueue(queue, seconds), message, headers)
}

/**
 * A copy for those who look after messages that can't be carried out. Its tries begin anew when it
 * is moved back.
 */
export function deadLetter(
  message: ConsumeMessage,
  { dead }: BrokerNames,
  problem: { detail: string; errors: readonly unknown[] },
): Publication {
  const { detail, errors } = problem
  const short = { ...problem, detail: detail.slice(0, mostDetail), errors: errors.slice(0, mostErrors) }
  const headers = { ...foreignHeaders(message), problem: JSON.stringify(short) }
  return copyFor(dead, message.fields.routingKey, message, headers)
}

/** The copy with Jobferry's own headers alone, `problem` being short. */
export function withoutForeignHeaders({ options, ...copy }: Publication): Publication {
  const { [triesHeader]: tries, problem } = (options.headers ?? {}) as Record<string, unknown>
  return {
    ...copy,
    options: { ...options, headers: defined({ [triesHeader]: tries, problem: shortProblem(problem) }) },
  }
}

function shortProblem(problem: unknown): string | undefined {
  if (typeof problem !== 'string') return undefined
  const { title, status } = JSON.parse(problem) as { title?: unknown; status?: unknown }
  return JSON.stringify({ title, status })
}

function copyFor(exchange: string, key: string, message: ConsumeMessage, headers: object): Publication {
  const { content, properties } = message
  const options: Options.Publish = {
    mandatory: true,
    ...defined({
      contentType: text(properties.contentType),
      contentEncoding: text(properties.contentEncoding),
      correlationId: text(properties.correlationId),
      replyTo: text(properties.replyTo),
      type: text(properties.type),
    }),
    // By it a copy that no queue takes is known.
    messageId: text(properties.messageId) ?? randomUUID(),
    headers,
  }
  const copy = { exchange, key, content, options }
  const isTooLarge = Buffer.byteLength(JSON.stringify(headers)) > mostHeaderBytes
  return isTooLarge ? withoutForeignHeaders(copy) : copy
}

/**
 * The sender's headers, without those of the broker (`x-death`) and of an earlier copy; the broker
 * would send further copies to the routes in `CC` and `BCC`.
 */
function foreignHeaders({ properties: { headers = {} } }: ConsumeMessage): object {
  const isForeign = (name: string) => !name.startsWith('x-') && !['problem', 'CC', 'BCC'].includes(name)
  return Object.fromEntries(Object.entries(headers).filter(([name]) => isForeign(name)))
}

function text(property: unknown): string | undefined {
  return typeof property === 'string' ? property : undefined
}
