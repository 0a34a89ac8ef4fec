import type { RemovalRules } from '../../../job/removal.ts'
import { backoff } from '../../../util/backoff.ts'
import type { Log } from '../../../util/log.ts'
import type { Api } from '../api/api.ts'
import type { KubernetesJob } from '../api/objects.ts'
import type { CachedJob } from '../cache/cached-job.ts'
import type { JobCache } from '../cache/job-cache.ts'
import { jobLabels } from '../names.ts'
import { recordDisruptions, unrecordedDisruptions } from '../observation/disruptions.ts'
import { releaseAgainJobs, runAgain } from '../operations/again.ts'
import { dropFinalizer, removeUnfinished } from '../operations/removal.ts'
import { endRescue } from '../operations/rescue.ts'
import { endExcess, endJob, endPods } from '../operations/stop.ts'
import { nextAgain } from '../policies/further-job.ts'
import { type Repair, repair } from '../policies/repair.ts'
import type { Controller } from './job-reconciler.ts'

/** An action whose effect no watch has shown by then is repeated. */
const repeatMilliseconds = 10_000
const retryDelay = backoff({ first: 1000, max: repeatMilliseconds })

/**
 * Actions that do not wait for the leader: each process restores the objects that its own watches
 * lost, and the pod of a disruption may be gone before there is another leader.
 */
const everyProcess: ReadonlySet<Repair> = new Set(['restore-labels', 'record-disruption'])

export interface RepairParts {
  api: Api
  cache: JobCache
  isLeader: () => boolean
  rules: RemovalRules
  log: Log
}

export function createRepairController(parts: RepairParts): Controller<Repair> {
  /** UIDs of Jobs that a dry run has reported: each once. */
  const reported = new Set<string>()
  return {
    name: 'repair',
    decide(job, now) {
      const decision = repair(job, now)
      const isOthers = decision !== undefined && 'action' in decision && !everyProcess.has(decision.action)
      return isOthers && !parts.isLeader() ? undefined : decision
    },
    async run(seen, action) {
      if (action === 'remove-unfinished') await removeAndReport(parts, seen, reported)
      else {
        parts.log.info({ job: seen.uuid, action }, 'repairing a job')
        await perform(parts, seen, action)
      }
    },
    pauseAfter: (failures) => (failures === 0 ? repeatMilliseconds : retryDelay(failures)),
  }
}

async function perform(
  { api, cache }: RepairParts,
  seen: CachedJob,
  action: Exclude<Repair, 'remove-unfinished'>,
): Promise<void> {
  const { uuid, job, agains, pods, excess = [], rescue } = seen
  const { name = '', uid = '' } = job.metadata ?? {}
  switch (action) {
    case 'restore-labels':
      for (const one of [job, ...agains.map((again) => again.job)]) {
        await restoreLabels(api, cache, uuid, one)
      }
      return
    case 'drop-finalizer':
      return await dropFinalizer(api, name, uid)
    case 'record-disruption': {
      const recorded = await recordDisruptions(api, job, unrecordedDisruptions(job, pods))
      if (recorded !== undefined) cache.putJob(recorded)
      return
    }
    case 'run-again': {
      const next = nextAgain(seen)
      const jobs = next === undefined ? [] : await runAgain(api, job, next)
      for (const one of jobs) cache.putJob(one)
      return
    }
    case 'release-again':
      return await releaseAgainJobs(api, job, false)
    case 'end-rescue':
      if (rescue !== undefined) await endRescue(api, rescue)
      return
    case 'end-excess':
      return await endExcess(api, job, excess)
    case 'finish-stop':
    case 'end-repeat':
      return await endJob(api, job)
    case 'end-pods':
      return await endPods(api, job)
  }
}

async function removeAndReport(
  { api, rules }: RepairParts,
  { uuid, job }: CachedJob,
  reported: Set<string>,
): Promise<void> {
  const { uid = '', creationTimestamp } = job.metadata ?? {}
  if (rules.dryRun) {
    if (reported.has(uid)) return
    reported.add(uid)
  } else if (!(await removeUnfinished(api, job))) return
  const why = `its creation began at ${creationTimestamp} and was never completed`
  rules.report({ kind: 'creation', job: uuid, why, objects: 1, bytes: 0 })
}

async function restoreLabels(api: Api, cache: JobCache, uuid: string, job: KubernetesJob): Promise<void> {
  const { name = '', uid = '' } = job.metadata ?? {}
  const now = await api.jobs.get(name)
  if (now === undefined || now.metadata?.uid !== uid) cache.removeJob(job)
  else cache.putJob(await api.jobs.merge(name, { metadata: { uid, labels: jobLabels(uuid) } }))
}
