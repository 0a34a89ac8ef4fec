import { createReadStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DeliveryTarget } from '../../src/job/deliveries/delivery-target.ts'
import { type Entry, pathBytes } from '../../src/result-format/entry.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import type { ManifestHead } from '../../src/result-format/manifest/manifest.ts'
import { type Manifest, openManifest } from '../../src/result-format/manifest/manifest-reader.ts'
import { shownShort } from '../../src/result-format/shown-path.ts'
import { storedFileOf, withoutForm } from '../../src/result-format/stored-form.ts'
import { putStream } from '../../src/store/put-stream.ts'
import type { Semaphore } from '../../src/util/semaphore.ts'
import type { StoredResult } from '../inputs/stored-download.ts'
import type { Patience } from '../repeat-until.ts'
import type { BucketTarget } from './bucket-target.ts'
import { deliveredKey, deliveredManifestKey } from './delivered-keys.ts'
import { DeliveryError, ReadError } from './delivery-error.ts'
import { EarlierDelivery, type EarlierFile } from './earlier-delivery.ts'
import { etagThere, type FileToSend, sendToTarget } from './send-to-target.ts'
import { untilDelivered } from './until-delivered.ts'
import { wantedBy } from './wanted-entries.ts'

export interface DeliveryContext extends Patience {
  result: StoredResult
  bucket: BucketTarget
  target: DeliveryTarget
  /** A folder of this delivery's own. */
  directory: string
  /** Of this target: of a large file, three parts are in memory. */
  slots: Semaphore
  /** A file is there. */
  counted(bytes: number): void
}

const pageEntries = 1000

/**
 * Brings the committed files to the target, each under its path, and the manifest after all of
 * them. Rejects with DeliveryError, and with errors of this machine's disk.
 */
export async function deliverResult(context: DeliveryContext): Promise<void> {
  const { result, bucket, target, directory } = context
  const manifest = await untilDelivered((signal) => read(() => manifestOf(result, signal)), context)
  const manifestKey = deliveredManifestKey(result.uuid)
  const earlier = await untilDelivered(
    async () => EarlierDelivery.open(await bucket.store(), manifestKey, join(directory, 'earlier.ndjson')),
    context,
  )
  const isWanted = wantedBy(target.include)
  const file = join(directory, 'manifest.ndjson')
  await rm(file, { force: true })
  await using lines = await open(file, 'a')
  await lines.appendFile(`${JSON.stringify(headOf(manifest.head, target))}\n`)
  for (let after: Uint8Array | undefined, more = true; more; ) {
    const range = { limit: pageEntries, ...(after && { after }) }
    const page = await untilDelivered((signal) => read(() => manifest.page({ ...range, signal })), context)
    const sent = await deliverPage(page.entries.filter(isWanted), earlier, context)
    await lines.appendFile(sent.map((line) => `${JSON.stringify(line)}\n`).join(''))
    const last = page.entries.at(-1)
    after = last && pathBytes(last)
    more = page.more
  }
  await untilDelivered(async (signal) => {
    await putStream(await bucket.store(), manifestKey, createReadStream(file), { signal })
  }, context)
}

async function manifestOf({ store, uuid, attempt }: StoredResult, signal: AbortSignal): Promise<Manifest> {
  const manifest = await openManifest(store, jobKeys.manifest(uuid, attempt), { signal })
  if (manifest === undefined) throw new DeliveryError('ResultDamaged', 'the result is gone')
  return manifest
}

async function read<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof DeliveryError ? error : new ReadError(error)
  }
}

/** The manifest's first line at the target. */
function headOf(head: ManifestHead, { to, include }: DeliveryTarget): object {
  const { job, attempt, checkpoint } = head
  return {
    version: 1,
    job,
    attempt,
    to,
    ...(include && { include }),
    from_checkpoints: checkpoint !== undefined,
  }
}

/** The lines of the target's manifest, in the entries' order. All have ended when it rejects. */
async function deliverPage(
  entries: readonly Entry[],
  earlier: EarlierDelivery | undefined,
  context: DeliveryContext,
): Promise<object[]> {
  const failed = new AbortController()
  const signal = AbortSignal.any([context.signal, failed.signal])
  // Before the first is sent: if it rejects, nothing is under way.
  const before: (EarlierFile | undefined)[] = []
  for (const entry of entries) before.push(await earlier?.find(pathBytes(entry)))
  const sending = entries.map((entry, index) => deliverEntry(entry, before[index], { ...context, signal }))
  for (const one of sending) one.catch(() => failed.abort())
  const outcomes = await Promise.allSettled(sending)
  const reasons = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  if (reasons.length > 0) throw reasons.find((reason) => reason instanceof DeliveryError) ?? reasons[0]
  return outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
}

async function deliverEntry(
  entry: Entry,
  earlier: EarlierFile | undefined,
  context: DeliveryContext,
): Promise<object> {
  const stored = storedFileOf(entry)
  const { size } = entry
  // A folder, a link, or what the uploader could not store: the manifest has it.
  if (stored === undefined || size === undefined) return withoutForm(entry)
  const key = deliveredKey(context.result.uuid, context.bucket.prefix, entry)
  const release = await context.slots.acquire(undefined, context.signal)
  try {
    const etag = await untilDelivered(
      (signal) => deliverFile({ ...stored, size }, key, earlier, { ...context, signal }),
      context,
    )
    context.counted(size)
    return { ...withoutForm(entry), key, etag }
  } catch (error) {
    if (!(error instanceof DeliveryError)) throw error
    throw new DeliveryError(error.kind, `${shownShort(pathBytes(entry))}: ${error.message}`, { cause: error })
  } finally {
    release()
  }
}

async function deliverFile(
  file: FileToSend,
  key: string,
  earlier: EarlierFile | undefined,
  { result, bucket, signal }: DeliveryContext,
): Promise<string> {
  const place = { target: await bucket.store(), key, signal }
  return (await etagThere(file, earlier, place)) ?? (await sendToTarget(result, file, place))
}
