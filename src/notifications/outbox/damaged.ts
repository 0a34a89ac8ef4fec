import { readIfAny } from '../../store/read-whole.ts'
import { type ArtifactStore, StoreError } from '../../store/store.ts'
import { defined } from '../../util/objects.ts'
import type { Message, MessageKind } from './outbox.ts'
import {
  historyKey,
  messageNameOf,
  newStoredMessage,
  outboxKey,
  outboxPrefix,
  readMessage,
  type StoredMessage,
  toTimestamp,
  writeHistory,
} from './stored-message.ts'

/** A damaged message is moved below this prefix. An operator can repair it and move it back. */
const damagedPrefix = 'damaged/'

export interface DamagedParts {
  store: ArtifactStore
  kinds: ReadonlyMap<string, MessageKind>
  keepsHistory(job: string): Promise<boolean>
}

/**
 * Restores a damaged message: from its job's history if it was tried before, else from its kind's
 * remake(). If neither has it, the message is moved aside so that its lane goes on, the job's
 * history says so, and the result is undefined. Idempotent. Rejects with StoreError.
 */
export async function restoreOrSetAside(
  { store, kinds, keepsHistory }: DamagedParts,
  key: string,
): Promise<StoredMessage | undefined> {
  const remade = await remake(kinds, key)
  const name = remade ?? messageNameOf(key)
  const history = name && historyKey(name)
  const known = history === undefined ? undefined : await readMessage(store, history)
  if (known !== undefined && known !== 'damaged') return known
  if (remade) return newStoredMessage(remade, Date.now())
  const bytes = await readIfAny(store, key)
  if (bytes === undefined) return undefined
  await store.put(`${damagedPrefix}${key}`, bytes)
  const gone = await standIn(store, key)
  if (gone.message.job !== undefined && (await keepsHistory(gone.message.job)))
    await writeHistory(store, gone)
  await store.remove([key])
  return undefined
}

async function remake(kinds: DamagedParts['kinds'], key: string): Promise<Message | undefined> {
  const name = messageNameOf(key)
  if (name === undefined) return undefined
  for (const kind of kinds.values()) {
    try {
      const message = await kind.remake?.(name)
      if (message && outboxKey(message) === key) return message
    } catch (error) {
      // The source of remake() may be damaged too.
      if (error instanceof StoreError) throw error
    }
  }
  return undefined
}

/** The history's entry for a damaged message, of which only the name is known. */
export async function standIn(store: ArtifactStore, key: string): Promise<StoredMessage> {
  const at = toTimestamp((await store.head(key))?.modified.getTime() ?? Date.now())
  const { lane = '', seq = 0, id = key, job } = messageNameOf(key) ?? {}
  const where = key.startsWith(outboxPrefix) ? `${damagedPrefix}${key}` : key
  const error = `it can't be read: the store no longer has it as it was written (${where})`
  return {
    version: 1,
    message: { id, lane, seq, kind: 'damaged', url: '', data: null, ...defined({ job }) },
    created_at: at,
    state: 'rejected',
    next_at: null,
    attempts: [{ at, milliseconds: 0, status: null, error }],
    tries: 0,
  }
}

/**
 * Keys of messages that were moved aside, at most `most`. Rejects with StoreError or the signal's
 * reason.
 */
export async function listDamaged(
  store: ArtifactStore,
  most: number,
  signal: AbortSignal,
): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(damagedPrefix, { expected: most, signal })) {
    keys.push(key)
    if (keys.length === most) break
  }
  return keys
}
