import { isOccupied } from '../../artifact/store.ts'
import { putJson } from '../json-objects.ts'
import { listDamaged, standIn } from './damaged.ts'
import type { Message, MessageKind, Outbox } from './outbox.ts'
import { hurryKind, Sender, type SenderParts } from './sender.ts'
import {
  deliveryOf,
  fresh,
  historyKey,
  historyPrefix,
  laneOfJob,
  laneOfRepeats,
  outboxKey,
  outboxPrefix,
  readMessage,
  type StoredMessage,
} from './stored-message.ts'

const mostDamaged = 100

/** `start` begins to send, once the backend has been started; `close` ends it. */
export function createOutbox(
  parts: Omit<SenderParts, 'kinds' | 'isHeld'>,
): Outbox & { start(): void; close(): Promise<void> } {
  const { store } = parts
  const kinds = new Map<string, MessageKind>()
  const sender = new Sender({ ...parts, kinds, isHeld: (key) => adding.has(key) })

  async function* messagesBelow(prefix: string): AsyncGenerator<StoredMessage> {
    for await (const { key } of store.list(prefix)) {
      const found = await readMessage(store, key)
      if (found !== undefined) yield found === 'damaged' ? await standIn(store, key) : found
    }
  }

  async function messagesOf(job: string): Promise<StoredMessage[]> {
    const found = new Map<string, StoredMessage>()
    // What was tried stands in both; the outbox may be a step ahead.
    for (const prefix of [
      historyPrefix(job),
      `${outboxPrefix}${laneOfJob(job)}/`,
      `${outboxPrefix}${laneOfRepeats(job)}/`,
    ]) {
      for await (const one of messagesBelow(prefix)) {
        const key = outboxKey(one.message)
        if (one.tries >= (found.get(key)?.tries ?? 0)) found.set(key, one)
      }
    }
    return [...found].sort((a, b) => (ageOf(a) < ageOf(b) ? -1 : 1)).map(([, one]) => one)
  }

  /** Under way; whoever adds the same meanwhile waits for it. */
  const adding = new Map<string, Promise<void>>()

  async function add(message: Message): Promise<void> {
    const key = outboxKey(message)
    const standing = adding.get(key)
    if (standing !== undefined) return await standing
    const added = write(key, message).finally(() => adding.delete(key))
    adding.set(key, added)
    await added
  }

  /** Both at once, since somebody waits: what turns out to be sent already goes again, before anybody sends it. */
  async function write(key: string, message: Message): Promise<void> {
    if (sender.hasSent(key)) return
    const stored = fresh(message, Date.now())
    const history = historyKey(message)
    const [before, isNew] = await Promise.all([
      history === undefined ? undefined : store.head(history),
      putJson(store, key, stored, { ifAbsent: true }).then(
        () => true,
        (error: unknown) => {
          if (!isOccupied(error)) throw error
          return false
        },
      ),
    ])
    if (sender.hasSent(key) || (before !== undefined && isNew)) await store.remove([key])
    else if (isNew) sender.notice(key, stored)
    else sender.notice(key)
  }

  return {
    register(kind) {
      kinds.set(kind.kind, kind)
    },

    add,

    history: async (job) => (await messagesOf(job)).map(deliveryOf),

    damaged: (signal) => listDamaged(store, mostDamaged, signal),

    async again(job, kind) {
      const newest = (await messagesOf(job)).filter(({ message }) => message.kind === kind).at(-1)
      if (newest === undefined) return undefined
      const { message, state } = newest
      const lane = laneOfRepeats(job)
      const id = `again-${Date.now()}`
      if (state === 'pending')
        await add({ id, lane: `hurry-${job}`, kind: hurryKind, url: '', data: message.lane })
      else await add({ ...message, id, lane })
      return deliveryOf(newest)
    },

    start: () => sender.start(),
    close: () => sender.close(),
  }
}

/** Of two of one millisecond the one that stands first in its lane is older. */
function ageOf([key, { created_at }]: [string, StoredMessage]): string {
  return `${created_at} ${key}`
}
