import { parseUploadKey, uploadKeys } from '../../result-format/upload-keys.ts'
import { messageOf } from '../../util/errors.ts'
import { defined } from '../../util/objects.ts'
import type { Amount } from '../archive/remove-listed.ts'
import {
  type KeptContent,
  markUnused,
  removingContents,
  type Shelf,
  withoutContents,
} from '../uploads/shelf.ts'
import { type JanitorParts, mayRemove } from './parts.ts'

/**
 * Removes the contents that neither a name nor a job needs, and the uses of jobs that are live no
 * more. `before`, in milliseconds since the epoch: a younger use may belong to a deployment that is
 * under way. Resolves with the strays, which the next sweep gets as `earlier`; sweeps lie an hour
 * apart.
 */
export async function removeUnusedUploads(
  parts: JanitorParts,
  before: number,
  earlier: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<ReadonlySet<string>> {
  for await (const owner of ownersWithUses(parts, before, signal)) {
    if (!mayRemove(parts) || signal?.aborted) return earlier
    await forOwner(parts, owner.owner, signal, () => removeUnused(parts, owner, before, signal))
  }
  return await removeStrays(parts, earlier, signal)
}

/** What fails for one owner, for example by a damaged shelf, is done for the others. */
async function forOwner<T>(
  { log }: JanitorParts,
  owner: string,
  signal: AbortSignal | undefined,
  act: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await act()
  } catch (error) {
    if (signal?.aborted) throw error
    log.warn({ owner, error: messageOf(error) }, "a caller's uploads can not be inspected")
    return undefined
  }
}

interface OwnersUses {
  owner: string
  /** Contents that jobs need. */
  used: Set<string>
}

const mostAtOnce = 1000

/** Each owner with a shelf or uses; stale uses are removed on the way. */
async function* ownersWithUses(
  parts: JanitorParts,
  before: number,
  signal?: AbortSignal,
): AsyncGenerator<OwnersUses> {
  const { store, rules } = parts
  let current: OwnersUses | undefined
  let stale: string[] = []
  const flush = async () => {
    if (stale.length > 0 && !rules.dryRun && mayRemove(parts)) await store.remove(stale)
    stale = []
  }
  for await (const { key } of store.list(uploadKeys.shelves, defined({ signal }))) {
    const owner = /^uploads\/([0-9a-f]{16})\//.exec(key)?.[1]
    if (owner === undefined) continue
    if (owner !== current?.owner) {
      if (current !== undefined) yield current
      current = { owner, used: new Set() }
    }
    const content = parseUploadKey(key)?.content
    if (content === undefined) continue
    if (isUse(parts, key, before)) current.used.add(content)
    else stale.push(key)
    if (stale.length >= mostAtOnce) await flush()
  }
  await flush()
  if (current !== undefined) yield current
}

function isUse({ backend }: JanitorParts, key: string, before: number): boolean {
  const { at = 0, uuid = '' } = parseUploadKey(key) ?? {}
  // An archived job starts no further attempt.
  return at > before || backend.get(uuid)?.released === false
}

async function removeUnused(
  parts: JanitorParts,
  { owner, used }: OwnersUses,
  before: number,
  signal?: AbortSignal,
): Promise<void> {
  const { store, shelves, rules } = parts
  const isUsed = (id: string) => used.has(id)
  const unusedIn = (shelf: Shelf) => removingContents(shelf).filter(({ id }) => !isUsed(id))
  if (rules.dryRun) {
    report(parts, unusedIn(markUnused(await shelves.read(owner), isUsed)))
    return
  }
  const marked = unusedIn(
    await shelves.change(owner, (shelf) => {
      const changed = markUnused(shelf, isUsed)
      return removingContents(changed).length === removingContents(shelf).length ? shelf : changed
    }),
  )
  // A deployment that read the shelf before it was marked has its use there: it stays for that job.
  for (const { id } of marked) {
    for await (const { key } of store.list(uploadKeys.uses(owner, id), defined({ signal }))) {
      if (isUse(parts, key, before)) used.add(id)
    }
  }
  const gone = marked.filter(({ id }) => !isUsed(id))
  if (gone.length === 0 || !mayRemove(parts)) return
  await store.remove(gone.map(({ id }) => uploadKeys.content(owner, id)))
  const removed = gone.map(({ id }) => id)
  await shelves.change(owner, (shelf) => withoutContents(shelf, removed))
  report(parts, gone)
}

/**
 * Removes contents that were on no shelf in the sweep before, and are on none now: their upload was
 * cut off before its end. An object's time would not do: S3 may give it that of the upload's begin.
 */
async function removeStrays(
  parts: JanitorParts,
  earlier: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<ReadonlySet<string>> {
  const { store, shelves, rules } = parts
  const strays = new Set<string>()
  let known: { owner: string; ids: Set<string> | undefined } | undefined
  for await (const { key, size } of store.list(uploadKeys.contents, defined({ signal }))) {
    const { owner, content } = parseUploadKey(key) ?? {}
    if (owner === undefined || content === undefined) continue
    if (known?.owner !== owner) {
      known = { owner, ids: await forOwner(parts, owner, signal, () => contentsOf(shelves, owner)) }
    }
    if (known.ids === undefined || known.ids.has(content)) continue
    strays.add(key)
    if (!earlier.has(key)) continue
    if ((await contentsOf(shelves, owner)).has(content) || !mayRemove(parts)) continue
    if (!rules.dryRun) await store.remove([key])
    const why = 'its upload was cut off'
    rules.report({ kind: 'kept-input', why, objects: 1, bytes: size })
  }
  return strays
}

async function contentsOf(shelves: JanitorParts['shelves'], owner: string): Promise<Set<string>> {
  return new Set((await shelves.read(owner)).contents.map(({ id }) => id))
}

function report({ rules }: JanitorParts, contents: readonly KeptContent[]): void {
  const amount: Amount = { objects: contents.length, bytes: 0 }
  for (const { size } of contents) amount.bytes += size
  const why = 'neither an upload nor a live job has this content'
  if (amount.objects > 0) rules.report({ kind: 'kept-input', why, ...amount })
}
