import type { ArtifactStore } from '../../store/store.ts'
import { standIn } from './damaged.ts'
import {
  historyPrefix,
  laneOfJob,
  laneOfRepeats,
  outboxKey,
  outboxPrefix,
  readMessage,
  type StoredMessage,
} from './stored-message.ts'

/**
 * A job's messages, waiting and finished, oldest first; a damaged one is replaced by a message of
 * kind `damaged`.
 */
export async function messagesOfJob(store: ArtifactStore, job: string): Promise<StoredMessage[]> {
  const found = new Map<string, StoredMessage>()
  // A message that was tried is in both places; the copy in the outbox may be one attempt ahead.
  for (const prefix of [
    historyPrefix(job),
    `${outboxPrefix}${laneOfJob(job)}/`,
    `${outboxPrefix}${laneOfRepeats(job)}/`,
  ]) {
    for await (const one of messagesBelow(store, prefix)) {
      const key = outboxKey(one.message)
      if (one.tries >= (found.get(key)?.tries ?? 0)) found.set(key, one)
    }
  }
  return [...found].sort((a, b) => (ageOf(a) < ageOf(b) ? -1 : 1)).map(([, one]) => one)
}

async function* messagesBelow(store: ArtifactStore, prefix: string): AsyncGenerator<StoredMessage> {
  for await (const { key } of store.list(prefix)) {
    const found = await readMessage(store, key)
    if (found !== undefined) yield found === 'damaged' ? await standIn(store, key) : found
  }
}

/** Sorts by creation time; within one millisecond by the position in the lane. */
function ageOf([key, { created_at }]: [string, StoredMessage]): string {
  return `${created_at} ${key}`
}
