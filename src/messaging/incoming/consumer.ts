import { setTimeout as sleep } from 'node:timers/promises'
import type { ConsumeMessage } from 'amqplib'
import { problemDocument, toProblem } from '../../http/server/problem.ts'
import { jobLinks } from '../../job/links.ts'
import { messageOf, type Problem } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'
import type { Metrics } from '../../util/metrics.ts'
import { within } from '../../util/timers.ts'
import type { Broker, Delivered, Publication } from '../broker/broker.ts'
import type { BrokerNames } from '../broker/names.ts'
import { type CarryingOut, carryOut, type MessageOutcome } from './carry-out.ts'
import { type IncomingMessage, idOf, readIncoming } from './message.ts'
import { type Reply, replyTo } from './replies.ts'
import { deadLetter, deferred, triesOf, withoutForeignHeaders } from './set-aside.ts'
import { secondsToNextTry } from './verdict.ts'

export interface ConsumerParts extends CarryingOut {
  broker: Broker
  names: BrokerNames
  source: string
  log: Log
  metrics: Pick<Metrics, 'messages'>
}

/** At shutdown, for messages in hand; the broker gives the others to another replica. */
const lastMessagesMs = 10_000
/** Before a message that could neither be carried out nor set aside goes back to the queue. */
const giveBackMs = 5_000

export interface Consumer {
  start(): void
  /** Takes no more messages, and finishes those in hand. */
  close(): Promise<void>
}

/**
 * Carries out the messages of the queue. Each is acknowledged once the backend has accepted it and
 * its reply is confirmed, or once the broker has confirmed its copy among the waiting or dead ones.
 */
export function createConsumer(parts: ConsumerParts): Consumer {
  const { broker, log } = parts
  const closing = new AbortController()
  const inHand = new Set<Promise<void>>()

  async function take(delivered: Delivered): Promise<void> {
    // After the connection's end the message comes again, and is answered then.
    const over = AbortSignal.any([closing.signal, delivered.gone])
    try {
      await handle(parts, delivered, over)
      delivered.acknowledge()
    } catch (error) {
      if (over.aborted) return
      log.error({ error: messageOf(error) }, 'a message could not be answered; it goes back to the queue')
      await sleep(giveBackMs, undefined, { signal: over }).catch(() => undefined)
      delivered.giveBack()
    }
  }

  return {
    start() {
      const { shutdown } = parts.services
      shutdown.addEventListener('abort', () => void broker.stopConsuming(), { once: true })
      broker.consume((delivered) => {
        const work = take(delivered).finally(() => inHand.delete(work))
        inHand.add(work)
      })
    },

    async close() {
      await broker.stopConsuming()
      await within(lastMessagesMs, Promise.all(inHand))
      closing.abort()
    },
  }
}

async function handle(parts: ConsumerParts, { message }: Delivered, signal: AbortSignal): Promise<void> {
  const { broker, names, log, metrics } = parts
  const { content, properties } = message
  const tries = triesOf(properties)
  const { incoming, outcome, problem } = await attempt(parts, message, tries)
  const type = incoming?.type ?? 'unknown'
  const id = incoming?.id ?? idOf(content)
  const end = async (ending: Reply['event'], data: unknown, line: object) => {
    if (id !== undefined && (ending !== 'deferred' || tries === 0)) {
      await broker.publish(replyTo({ id, event: ending, data }, parts), signal)
    }
    metrics.messages.inc({ type, outcome: ending })
    log.info({ message: id, type, tries: tries + 1, ...line }, `message ${ending}`)
  }
  if (problem === undefined) {
    const links = jobLinks(outcome.job_uuid, parts.options.publicUrl)
    return await end('accepted', { type, ...outcome, links }, { job: outcome.job_uuid })
  }
  const document = problemDocument(problem)
  const line = { problem: problem.code, detail: problem.message }
  const seconds = secondsToNextTry(problem.code, tries)
  if (seconds === undefined) {
    await setAside(broker, deadLetter(message, names, document), signal)
    return await end('refused', { type, problem: document }, line)
  }
  await setAside(broker, deferred(message, names, seconds), signal)
  await end('deferred', { type, problem: document, again_in_seconds: seconds }, line)
}

/** amqplib throws these for headers that it can't write; nothing is sent then. */
async function setAside(broker: Broker, copy: Publication, signal: AbortSignal): Promise<void> {
  try {
    await broker.publish(copy, signal)
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error
    await broker.publish(withoutForeignHeaders(copy), signal)
  }
}

type Attempt =
  | { incoming: IncomingMessage; outcome: MessageOutcome; problem?: undefined }
  | { incoming?: IncomingMessage | undefined; outcome?: undefined; problem: Problem }

async function attempt(
  parts: ConsumerParts,
  { content, properties }: ConsumeMessage,
  tries: number,
): Promise<Attempt> {
  let incoming: IncomingMessage | undefined
  try {
    incoming = readIncoming(content, properties.contentType)
    const isLast = secondsToNextTry('not-found', tries) === undefined
    return { incoming, outcome: await carryOut(incoming, parts, isLast) }
  } catch (error) {
    const problem = toProblem(error)
    if (['internal', 'unavailable', 'refused'].includes(problem.code)) {
      parts.log.error({ message: incoming?.id, error: problem.cause ?? problem }, problem.code)
    }
    return { incoming, problem }
  }
}
