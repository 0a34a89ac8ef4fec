import { readIfAny } from '../../artifact/read-whole.ts'
import { type ArtifactStore, StoreError } from '../../artifact/store.ts'
import type { Message, MessageKind } from './outbox.ts'
import {
  fresh,
  historyKey,
  nameOf,
  outboxKey,
  outboxPrefix,
  readMessage,
  rfc3339,
  type StoredMessage,
  writeHistory,
} from './stored-message.ts'

/** Whoever knows better has one sent after all by writing it to its key without this prefix. */
const damagedPrefix = 'damaged/'

export interface DamagedParts {
  store: ArtifactStore
  kinds: ReadonlyMap<string, MessageKind>
  keepsHistory(job: string): Promise<boolean>
}

/**
 * A message of the outbox that isn't what was written, as its job's history has it, if it was tried before, or as its
 * kind makes it anew. Else it is moved out of its lane's way, the job's history says so, and this is undefined.
 * Idempotent. Rejects with StoreError.
 */
export async function restoreOrSetAside(
  { store, kinds, keepsHistory }: DamagedParts,
  key: string,
): Promise<StoredMessage | undefined> {
  const remade = await remake(kinds, key)
  const name = remade ?? nameOf(key)
  const history = name && historyKey(name)
  const known = history === undefined ? undefined : await readMessage(store, history)
  if (known !== undefined && known !== 'damaged') return known
  if (remade) return fresh(remade, Date.now())
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
  const name = nameOf(key)
  if (name === undefined) return undefined
  for (const kind of kinds.values()) {
    try {
      const message = await kind.remake?.(name)
      if (message && outboxKey(message) === key) return message
    } catch (error) {
      // What it would be made of may be damaged too.
      if (error instanceof StoreError) throw error
    }
  }
  return undefined
}

/** What a history shows of a message, in it or in the outbox, of which nothing but its name is known. */
export async function standIn(store: ArtifactStore, key: string): Promise<StoredMessage> {
  const at = rfc3339((await store.head(key))?.modified.getTime() ?? Date.now())
  const { lane = '', seq = 0, id = key, job } = nameOf(key) ?? {}
  const where = key.startsWith(outboxPrefix) ? `${damagedPrefix}${key}` : key
  const error = `it can't be read: the store no longer has it as it was written (${where})`
  return {
    version: 1,
    message: { id, lane, seq, kind: 'damaged', url: '', data: null, ...(job !== undefined && { job }) },
    created_at: at,
    state: 'rejected',
    next_at: null,
    attempts: [{ at, milliseconds: 0, status: null, error }],
    tries: 0,
  }
}

/** Keys of what was set aside, at most so many. Rejects with StoreError, or with the signal's reason. */
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
