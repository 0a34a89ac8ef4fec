import { isOccupied } from '../../artifact/store.ts'
import { putJson } from '../json-objects.ts'
import type { MessageKind, Outbox } from './outbox.ts'
import { Sender, type SenderParts } from './sender.ts'
import {
  deliveryOf,
  fresh,
  historyKey,
  historyPrefix,
  outboxKey,
  outboxPrefix,
  readMessage,
  type StoredMessage,
} from './stored-message.ts'

/** `start` begins to send, once the backend has been started; `close` ends it. */
export function createOutbox(
  parts: Omit<SenderParts, 'kinds'>,
): Outbox & { start(): void; close(): Promise<void> } {
  const { store } = parts
  const kinds = new Map<string, MessageKind>()
  const sender = new Sender({ ...parts, kinds })

  async function* messagesBelow(prefix: string): AsyncGenerator<StoredMessage> {
    for await (const { key } of store.list(prefix)) {
      const found = await readMessage(store, key)
      if (found !== undefined && found !== 'damaged') yield found
    }
  }

  return {
    register(kind) {
      kinds.set(kind.kind, kind)
    },

    async add(message) {
      const key = outboxKey(message)
      const history = historyKey(message)
      if (history !== undefined && (await store.head(history)) !== undefined) return
      const stored = fresh(message, Date.now())
      try {
        await putJson(store, key, stored, { ifAbsent: true })
        sender.notice(key, stored)
      } catch (error) {
        if (!isOccupied(error)) throw error
        sender.notice(key)
      }
    },

    async history(job) {
      const found = new Map<string, StoredMessage>()
      // What was tried stands in both; the outbox may be a step ahead.
      for await (const one of messagesBelow(historyPrefix(job))) found.set(outboxKey(one.message), one)
      for await (const one of messagesBelow(`${outboxPrefix}job-${job}/`)) {
        if (one.tries >= (found.get(outboxKey(one.message))?.tries ?? 0))
          found.set(outboxKey(one.message), one)
      }
      const sorted = [...found.values()].sort((a, b) => (a.created_at < b.created_at ? -1 : 1))
      return sorted.map(deliveryOf)
    },

    start: () => sender.start(),
    close: () => sender.close(),
  }
}
