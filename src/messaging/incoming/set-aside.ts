import { randomUUID } from 'node:crypto'
import type { ConsumeMessage, MessageProperties, Options } from 'amqplib'
import { defined } from '../../util/objects.ts'
import type { Publication } from '../broker/broker.ts'
import { type BrokerNames, laterQueue } from '../broker/names.ts'

const triesHeader = 'x-jobferry-tries'
/** Properties lie in one frame of 128 KiB. */
const mostHeaderBytes = 48 * 1024
const mostErrors = 20
const mostDetail = 4_000

/** Times that a message was tried before. */
export function triesOf({ headers }: MessageProperties): number {
  const tries: unknown = headers?.[triesHeader]
  return typeof tries === 'number' && tries > 0 ? Math.floor(tries) : 0
}

/** A copy that comes back to the queue after so many seconds. */
export function deferred(message: ConsumeMessage, { queue }: BrokerNames, seconds: number): Publication {
  const headers = { [triesHeader]: triesOf(message.properties) + 1 }
  return copyFor('', laterQueue(queue, seconds), message, headers)
}

/** A copy for those who look after messages that can't be carried out. */
export function deadLetter(
  message: ConsumeMessage,
  { dead }: BrokerNames,
  problem: { detail: string; errors: readonly unknown[] },
): Publication {
  const { detail, errors } = problem
  const short = { ...problem, detail: detail.slice(0, mostDetail), errors: errors.slice(0, mostErrors) }
  return copyFor(dead, message.fields.routingKey, message, { problem: JSON.stringify(short) })
}

function copyFor(exchange: string, key: string, message: ConsumeMessage, added: object): Publication {
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
    headers: { ...ownHeaders(properties), ...added },
  }
  return { exchange, key, content, options }
}

/** Without what the broker wrote (`x-death`), and without headers that leave no room. */
function ownHeaders({ headers = {} }: MessageProperties): object {
  const own = Object.fromEntries(Object.entries(headers).filter(([name]) => !/^x-(?!jobferry)/.test(name)))
  return JSON.stringify(own).length > mostHeaderBytes ? {} : own
}

function text(property: unknown): string | undefined {
  return typeof property === 'string' ? property : undefined
}
