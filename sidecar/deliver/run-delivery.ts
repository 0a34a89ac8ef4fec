import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DeliveryOrder, DeliveryTarget } from '../../src/job/deliveries/delivery-target.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import type { Log } from '../../src/util/log.ts'
import { Semaphore } from '../../src/util/semaphore.ts'
import { pause } from '../pause.ts'
import { BucketTarget } from './bucket-target.ts'
import { deliverResult } from './deliver-result.ts'
import { DeliveryReport } from './delivery-report.ts'
import type { DeliverySettings } from './delivery-settings.ts'

/** To one target; half of them to each of several. Of a large file, 24 MiB are in memory. */
const filesAtOnce = 4

/**
 * The program that delivers a result, from its order to the last state of each target in the store.
 * A target that fails does not end the others. Rejects if it has to be run again.
 */
export async function runDelivery(
  settings: DeliverySettings,
  store: ArtifactStore,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const { job, round, orderFile, stateDirectory, secretsDirectory } = settings
  const order: DeliveryOrder = JSON.parse(await readFile(orderFile, 'utf8'))
  const report = new DeliveryReport(store, job, round, order, log)
  const ended = new AbortController()
  const reporting = report.keepWritten(AbortSignal.any([ended.signal, signal]), pause)
  const until = Date.now() + order.timeout_seconds * 1000
  const atOnce = order.targets.length === 1 ? filesAtOnce : filesAtOnce / 2
  const deliver = async (target: DeliveryTarget, index: number) => {
    const directory = join(stateDirectory, String(index))
    await mkdir(directory, { recursive: true })
    // Of its own: a target that does not answer keeps its slots, and must not keep those of others.
    const slots = new Semaphore(atOnce)
    const bucket = new BucketTarget(target, order, secretsDirectory)
    try {
      await deliverResult({
        ...{ target, bucket, directory, slots, until, signal },
        result: { store, uuid: job, attempt: order.attempt },
        timeoutSeconds: order.timeout_seconds,
        note: (problem) => report.note(index, problem),
        counted: (bytes) => report.counted(index, bytes),
      })
      report.delivered(index)
    } catch (error) {
      report.failed(index, error)
    } finally {
      await bucket.close()
    }
  }
  const outcomes = await Promise.allSettled(order.targets.map(deliver))
  ended.abort()
  await reporting
  const broken = outcomes.find((outcome) => outcome.status === 'rejected')
  if (broken) throw broken.reason
  await report.writeLast()
}
