import type { AmqpGroup } from '../../config/groups/amqp-group.ts'

/** What exists at the broker, by its name. */
export interface BrokerNames {
  queue: string
  /** Topic exchange of the events. */
  exchange: string
  /** Exchange, and queue, of messages that can not be carried out. */
  dead: string
}

/** Delays of a message that can be carried out later: the last one is repeated. */
export const laterSeconds = [2, 10, 60] as const

export function brokerNames({ queue, exchange, deadLetterExchange }: AmqpGroup): BrokerNames {
  return { queue, exchange, dead: deadLetterExchange ?? `${queue}.dead` }
}

/**
 * The queue in which messages wait so long: one for each delay, since a queue lets a message go
 * only when all before it have gone.
 */
export function laterQueue(queue: string, seconds: number): string {
  return `${queue}.later.${seconds}`
}
