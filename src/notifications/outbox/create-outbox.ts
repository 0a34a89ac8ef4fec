import { createJson } from '../../store/json-objects.ts'
import { systemClock } from '../../util/clock.ts'
import { listDamaged } from './damaged.ts'
import { messagesOfJob } from './job-messages.ts'
import type { Message, MessageKind, Outbox } from './outbox.ts'
import { hurryKind, Sender, type SenderParts } from './sender.ts'
import {
  deliveryOf,
  historyKey,
  laneOfRepeats,
  newStoredMessage,
  outboxKey,
  type StoredMessage,
} from './stored-message.ts'

const mostDamaged = 100

/** `start` begins to send, once the backend has been started; `close` ends it. */
export function createOutbox(
  parts: Omit<SenderParts, 'kinds' | 'isHeld'>,
): Outbox & { start(): void; close(): Promise<void> } {
  const { store, clock = systemClock } = parts
  const kinds = new Map<string, MessageKind>()
  const sender = new Sender({ ...parts, kinds, isHeld: (key) => adding.has(key) })

  /** Additions under way, by key: adding the same message again waits for the first addition. */
  const adding = new Map<string, Promise<void>>()

  async function add(message: Message): Promise<void> {
    const key = outboxKey(message)
    const standing = adding.get(key)
    if (standing !== undefined) return await standing
    const added = write(key, message).finally(() => adding.delete(key))
    adding.set(key, added)
    await added
  }

  /**
   * Writes and looks up the history at once to save time; a message that was sent already is
   * removed again.
   */
  async function write(key: string, message: Message): Promise<void> {
    if (sender.hasSent(key)) return
    const stored = newStoredMessage(message, clock.now())
    const history = historyKey(message)
    const [before, isNew] = await Promise.all([
      history === undefined ? undefined : store.head(history),
      createJson(store, key, stored),
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

    history: async (job) => (await messagesOfJob(store, job)).map(deliveryOf),

    damaged: (signal) => listDamaged(store, mostDamaged, signal),

    async again(job, kind) {
      const newest = (await messagesOfJob(store, job)).filter(({ message }) => message.kind === kind).at(-1)
      if (newest === undefined) return undefined
      await add(repetitionOf(newest, job, `again-${clock.now()}`))
      return deliveryOf(newest)
    },

    start: () => sender.start(),
    close: () => sender.close(),
  }
}

/** The message that has another one sent again, or at once if it is still to be sent. */
function repetitionOf({ message, state }: StoredMessage, job: string, id: string): Message {
  if (state !== 'pending') return { ...message, id, lane: laneOfRepeats(job) }
  return { id, lane: `hurry-${job}`, kind: hurryKind, url: '', data: message.lane }
}
