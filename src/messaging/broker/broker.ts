import { EventEmitter, once } from 'node:events'
import type { ChannelModel, ConfirmChannel, ConsumeMessage, Options } from 'amqplib'
import type { BrokerState } from '../../http/services.ts'
import { absenceDelay } from '../../util/backoff.ts'
import { systemClock } from '../../util/clock.ts'
import { messageOf } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'
import type { Metrics } from '../../util/metrics.ts'
import { within } from '../../util/timers.ts'
import { type BrokerAddress, connectToBroker } from './connect.ts'
import type { BrokerNames } from './names.ts'
import { declareTopology } from './topology.ts'

const closeMs = 3_000

/** A message for an exchange; '' is the broker's own, which takes the name of a queue as key. */
export interface Publication {
  exchange: string
  key: string
  content: Buffer
  options: Options.Publish
}

/** A message in hand, until it is acknowledged; after its connection's end that has no effect. */
export interface Delivered {
  message: ConsumeMessage
  /** Aborted when the connection has ended: the broker delivers the message again. */
  gone: AbortSignal
  acknowledge(): void
  /** Gives it back to the queue. */
  giveBack(): void
}

export interface BrokerParts {
  address: BrokerAddress
  names: BrokerNames
  prefetch: number
  log: Log
  metrics: Pick<Metrics, 'brokerConnections'>
}

/** This process's one connection to the broker, opened anew whenever it ends. */
export class Broker {
  readonly #parts: BrokerParts
  readonly #events = new EventEmitter().setMaxListeners(0)
  readonly #closing = new AbortController()
  #session: Session | undefined
  #state: BrokerState = { state: 'away', error: 'not connected yet', since: new Date().toISOString() }
  #take: ((delivered: Delivered) => void) | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(parts: BrokerParts) {
    this.#parts = parts
  }

  start(): void {
    this.#running = this.#keepConnected()
  }

  state(): BrokerState {
    return this.#state
  }

  /** Hands over each message of the queue, at most `prefetch` that are not acknowledged. */
  consume(take: (delivered: Delivered) => void): void {
    this.#take = take
    void this.#session?.consume(take).catch(() => this.#session?.end())
  }

  /** No further message is handed over; those in hand can be acknowledged. */
  async stopConsuming(): Promise<void> {
    this.#take = undefined
    await this.#session?.stopConsuming().catch(() => undefined)
  }

  /**
   * Resolves once the broker has confirmed the message. Waits for the connection as long as it is
   * away. Rejects if the connection ends meanwhile (it may have the message then), if no queue takes
   * a `mandatory` message, and with the signal's reason. `ensure` throws if it is not to be sent
   * any more.
   */
  async publish(publication: Publication, signal: AbortSignal, ensure = () => {}): Promise<void> {
    signal.throwIfAborted()
    while (this.#session === undefined) await once(this.#events, 'open', { signal })
    ensure()
    await this.#session.publish(publication, signal)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#session?.end()
    await this.#running
  }

  async #keepConnected(): Promise<void> {
    const { log, metrics } = this.#parts
    const { signal } = this.#closing
    for (let failures = 0; !signal.aborted; ) {
      try {
        const session = await openSession(this.#parts)
        metrics.brokerConnections.inc()
        failures = 0
        if (this.#take) await session.consume(this.#take)
        this.#opened(session)
        log.info('the message broker is connected')
        const reason = signal.aborted ? await session.end() : await session.ended
        this.#session = undefined
        if (signal.aborted) return
        this.#away(reason)
      } catch (error) {
        this.#away(messageOf(error))
      }
      await systemClock.sleep(absenceDelay(++failures), { signal }).catch(() => undefined)
    }
  }

  #opened(session: Session): void {
    this.#session = session
    this.#state = { state: 'connected', error: null, since: new Date().toISOString() }
    session.onBlocked((reason) => {
      if (this.#session !== session) return
      const since = new Date().toISOString()
      this.#state = { state: reason === null ? 'connected' : 'blocked', error: reason, since }
      if (reason !== null) this.#parts.log.warn({ reason }, 'the message broker takes no messages now')
    })
    this.#events.emit('open')
  }

  #away(reason: string): void {
    if (this.#state.state === 'away' && this.#state.error === reason) return
    this.#state = { state: 'away', error: reason, since: new Date().toISOString() }
    this.#parts.log.warn({ error: reason }, 'the message broker is away; it is tried again')
  }
}

type Session = Awaited<ReturnType<typeof openSession>>

/** A connection with its channels. The end of any part ends it all: the next one declares anew. */
async function openSession({ address, names, prefetch }: BrokerParts) {
  const connection = await connectToBroker(address)
  try {
    await declareTopology(connection, names)
    const publisher = await connection.createConfirmChannel()
    const consumer = await connection.createChannel()
    await consumer.prefetch(prefetch)
    return sessionOver(connection, publisher, consumer, names.queue)
  } catch (error) {
    await within(closeMs, connection.close()).catch(() => undefined)
    throw error
  }
}

function sessionOver(
  connection: ChannelModel,
  publisher: ConfirmChannel,
  consumer: Awaited<ReturnType<ChannelModel['createChannel']>>,
  queue: string,
) {
  let reason = 'the connection was closed'
  const end = async () => {
    await within(closeMs, connection.close()).catch(() => undefined)
    return reason
  }
  const ended = new Promise<string>((resolve) => {
    const over = (error?: Error) => {
      if (error) reason = messageOf(error)
      resolve(reason)
    }
    connection.on('error', over)
    connection.on('close', over)
    for (const channel of [publisher, consumer]) {
      channel.on('error', over)
      channel.on('close', () => {
        over()
        void end()
      })
    }
  })
  const gone = new AbortController()
  void ended.then(() => gone.abort())
  const unroutable = new Set<unknown>()
  publisher.on('return', ({ properties }) => unroutable.add(properties.messageId))
  let tag: string | undefined

  return {
    ended,
    end,

    onBlocked(listener: (reason: string | null) => void) {
      connection.on('blocked', listener)
      connection.on('unblocked', () => listener(null))
    },

    async consume(take: (delivered: Delivered) => void) {
      const began = await consumer.consume(queue, (message) => {
        // The broker ended the consumer, as when the queue was deleted.
        if (message === null) return void end()
        take({
          message,
          gone: gone.signal,
          acknowledge: () => quietly(() => consumer.ack(message)),
          giveBack: () => quietly(() => consumer.nack(message, false, true)),
        })
      })
      tag = began.consumerTag
    },

    async stopConsuming() {
      if (tag !== undefined) await consumer.cancel(tag)
    },

    async publish({ exchange, key, content, options }: Publication, signal: AbortSignal) {
      await new Promise<void>((resolve, reject) => {
        const giveUp = () => reject(signal.reason)
        signal.addEventListener('abort', giveUp, { once: true })
        publisher.publish(exchange, key, content, { persistent: true, ...options }, (error) => {
          signal.removeEventListener('abort', giveUp)
          // A returned message comes back before its confirmation.
          const isReturned = unroutable.delete(options.messageId)
          if (error) reject(error instanceof Error ? error : new Error('the broker refused the message'))
          else if (isReturned) reject(new Error(`no queue takes messages of ${exchange || key}`))
          else resolve()
        })
      })
    },
  }
}

/** A message of an ended connection is delivered again: nothing is to be done. */
function quietly(work: () => void): void {
  try {
    work()
  } catch {}
}
