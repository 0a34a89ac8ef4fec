import { setTimeout as sleep } from 'node:timers/promises'
import type { DeliveryProgress, DeliveryRound, DeliveryRuns } from '../../../job/deliveries/delivery-runs.ts'
import { jobKeys } from '../../../result-format/job-keys.ts'
import { defined } from '../../../util/objects.ts'
import type { Api } from '../api/api.ts'
import type { KubernetesJob, Pod } from '../api/objects.ts'
import { hasStatus, rejectProblem, StatusError } from '../api/status-error.ts'
import { deliveryName, deliverySelector } from '../names.ts'
import { blockedByStatus } from '../observation/blocked.ts'
import type { KubernetesSettings } from '../settings.ts'
import { deliveryJob, deliverySecret } from './delivery-spec.ts'

const graceSeconds = 1
/** A pod on a node that went silent does not go. */
const podsGoneMilliseconds = 10_000

/** Deliveries as Jobs of their own, which the leader alone makes, follows and removes. */
export function createDeliveryJobs(api: Api, settings: () => KubernetesSettings): DeliveryRuns {
  /** UIDs of Jobs whose Secret this process knows to be there. */
  const equipped = new Set<string>()

  const run = async (round: DeliveryRound): Promise<DeliveryProgress> => {
    const name = deliveryName(round.uuid, round.number)
    const job = (await api.jobs.get(name)) ?? (await create(round, settings()))
    if ('refused' in job) return job.refused
    const { uid = '', deletionTimestamp } = job.metadata ?? {}
    if (deletionTimestamp !== undefined) return { state: 'running' }
    const progress = progressOfJob(job)
    if (progress.state !== 'running') return progress
    if (!equipped.has(uid)) {
      await equip(round, job)
      equipped.add(uid)
    }
    if ((job.status?.ready ?? 0) > 0) return progress
    const pods = await api.pods.list({ labelSelector: deliverySelector(round.uuid) })
    return { ...progress, ...defined({ message: obstacleOf(pods.items) }) }
  }

  const create = async (
    round: DeliveryRound,
    made: KubernetesSettings,
  ): Promise<KubernetesJob | { refused: DeliveryProgress }> => {
    try {
      return await api.jobs.create(deliveryJob(round, made))
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      const message = `Kubernetes refuses its Job: ${error.message}`
      if (hasStatus(error, 400, 413, 422)) return { refused: { state: 'refused', message } }
      // A quota may have room again.
      if (hasStatus(error, 403)) return { refused: { state: 'waiting', message } }
      throw error
    }
  }

  /** Of a Job that another process made without its Secret, too. */
  const equip = async (round: DeliveryRound, job: KubernetesJob) => {
    const { store } = settings()
    const folder = jobKeys.deliveries(round.uuid)
    const issued = await store.folderCredentials?.issue(folder, [jobKeys.job(round.uuid)])
    const secret = deliverySecret(round, job, settings(), issued ?? store.credentialFiles)
    await api.secrets.create(secret).catch((error: unknown) => {
      if (!(error instanceof StatusError) || error.reason !== 'AlreadyExists') throw error
    })
  }

  const end = async (uuid: string) => {
    const query = { labelSelector: deliverySelector(uuid) }
    for (const { metadata: { name = '', uid = '' } = {} } of await api.jobs.listMetadata(query)) {
      await api.jobs.remove(name, { propagationPolicy: 'Background', preconditions: { uid } })
      await api.secrets.remove(name)
      equipped.delete(uid)
    }
    await endPods(api, query.labelSelector)
    await settings().store.folderCredentials?.revoke(jobKeys.deliveries(uuid))
  }

  return {
    run: (round) => run(round).catch(rejectProblem),
    end: (uuid) => end(uuid).catch(rejectProblem),
  }
}

/** How far the Job is by its conditions. */
export function progressOfJob({ status }: KubernetesJob): DeliveryProgress {
  const over = status?.conditions?.find(
    ({ type, status: is }) => is === 'True' && (type === 'Complete' || type === 'Failed'),
  )
  if (over === undefined) return { state: 'running' }
  return { state: 'ended', ...defined({ message: over.message }) }
}

function obstacleOf(pods: readonly Pod[]): string | undefined {
  return pods.map((pod) => blockedByStatus(pod)?.message).find((message) => message !== undefined)
}

/** Resolves when they are gone, after 10 s at most. */
async function endPods(api: Api, labelSelector: string): Promise<void> {
  const until = Date.now() + podsGoneMilliseconds
  while (Date.now() < until) {
    const { items } = await api.pods.list({ labelSelector })
    if (items.length === 0) return
    for (const { metadata: { name = '', uid = '', deletionTimestamp } = {} } of items) {
      if (deletionTimestamp === undefined) {
        await api.pods.remove(name, { gracePeriodSeconds: graceSeconds, preconditions: { uid } })
      }
    }
    await sleep(200)
  }
}
