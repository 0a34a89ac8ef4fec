import type { Channel, ChannelModel } from 'amqplib'
import { type BrokerNames, laterQueue, laterSeconds } from './names.ts'

/**
 * Declares what does not exist: docs/decisions/messaging/002-what-exists-at-the-broker.md. What exists is taken as it is, so that
 * an operator may make it otherwise, and a user without the right to configure is enough.
 */
export async function declareTopology(connection: ChannelModel, names: BrokerNames): Promise<void> {
  const { queue, exchange, dead } = names
  const declare = (check: Work, make: Work) => declareIfMissing(connection, check, make)
  await declare(
    (channel) => channel.checkExchange(exchange),
    (channel) => channel.assertExchange(exchange, 'topic', { durable: true }),
  )
  await declare(
    (channel) => channel.checkExchange(dead),
    async (channel) => {
      await channel.assertQueue(dead, { durable: true })
      await channel.assertExchange(dead, 'fanout', { durable: true })
      await channel.bindQueue(dead, dead, '')
    },
  )
  await declare(
    (channel) => channel.checkQueue(queue),
    (channel) => channel.assertQueue(queue, { durable: true }),
  )
  for (const seconds of laterSeconds) {
    const later = laterQueue(queue, seconds)
    await declare(
      (channel) => channel.checkQueue(later),
      (channel) =>
        channel.assertQueue(later, {
          durable: true,
          messageTtl: seconds * 1000,
          deadLetterExchange: '',
          deadLetterRoutingKey: queue,
        }),
    )
  }
}

type Work = (channel: Channel) => Promise<unknown>

async function declareIfMissing(connection: ChannelModel, check: Work, make: Work): Promise<void> {
  try {
    await onChannel(connection, check)
  } catch (error) {
    if (!isNotFound(error)) throw error
    await onChannel(connection, make)
  }
}

/** By AMQP 0-9-1's reply code, with which the broker closes the channel. */
function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 404
}

async function onChannel(connection: ChannelModel, work: Work): Promise<void> {
  const channel = await connection.createChannel()
  // The reply rejects the call under way, too; without a listener the error would end the process.
  channel.on('error', () => undefined)
  await work(channel)
  await channel.close()
}
