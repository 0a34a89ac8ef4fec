import { describe, expect, it } from 'vitest'
import type { KubernetesJob, Pod } from '../../../../src/backends/kubernetes/api/objects.ts'
import { type CachedRescue, RescueCache } from '../../../../src/backends/kubernetes/cache/rescue-cache.ts'
import { annotations } from '../../../../src/backends/kubernetes/names.ts'
import { isUnwanted, rescueOf } from '../../../../src/backends/kubernetes/operations/rescue.ts'
import { rescueObject } from '../../../../src/backends/kubernetes/spec/rescue-spec.ts'
import { at, job, ms, pod, running, seen, terminated, uuid } from '../objects.ts'
import { clusterRequest } from '../request.ts'
import { settings } from '../spec/build-job.ts'

const onClaim = {
  [annotations.request]: JSON.stringify(clusterRequest('', { result_storage_class: 'fast' })),
}
const killed = { uploader: terminated(137, 2, 10), worker: terminated(0, 4, 9) }
const ended = pod({ ...killed, status: { phase: 'Succeeded' } })
const never = { startedAt: null, finishedAt: null }
const stopped = { [annotations.stop]: JSON.stringify({ outcome: 'canceled', at: ms(11), cause: {} }) }

const rescueJob = (conditions: object[] = []) =>
  ({
    metadata: { name: `job-${uuid}-rescue`, uid: 'rescue-uid', ownerReferences: [{ uid: 'job-uid' }] },
    status: { conditions },
  }) as unknown as KubernetesJob
const rescuePod = (phase: string, message = '') =>
  ({
    metadata: {
      uid: 'rescue-pod',
      ownerReferences: [{ name: `job-${uuid}-rescue`, uid: 'rescue-uid' }],
    },
    status: {
      phase,
      containerStatuses: [{ name: 'uploader', state: { terminated: { exitCode: 3, message } } }],
    },
  }) as unknown as Pod
const failed = { type: 'Failed', status: 'True', message: 'Job was active longer than specified deadline' }

describe('a rescue', () => {
  it.each<[string, KubernetesJob, ReturnType<typeof seen>, boolean, boolean]>([
    ['of a pod whose uploader was killed', job({ annotations: onClaim }), seen(ended), true, true],
    ['without a claim', job(), seen(ended), true, false],
    ['where another attempt follows', job({ annotations: onClaim }), seen(ended), false, false],
    ['of a job that is stopped', job({ annotations: { ...onClaim, ...stopped } }), seen(ended), true, false],
    [
      'is impossible for a Job in deletion',
      job({ annotations: onClaim, metadata: { deletionTimestamp: at(11) } }),
      seen(ended),
      true,
      false,
    ],
    [
      'is impossible for a pod that is gone, with its claim',
      job({ annotations: onClaim }),
      seen(ended, ms(11)),
      true,
      false,
    ],
    [
      'is impossible for a living pod',
      job({ annotations: onClaim }),
      seen(pod({ ...killed, uploader: running(2) })),
      true,
      false,
    ],
    [
      'is impossible for an evicted pod',
      job({ annotations: onClaim }),
      seen(pod({ ...killed, status: { phase: 'Failed', reason: 'Evicted' } })),
      true,
      false,
    ],
    [
      'is impossible for an uploader that gave up by itself',
      job({ annotations: onClaim }),
      seen(pod({ ...killed, uploader: terminated(3, 2, 10), status: { phase: 'Succeeded' } })),
      true,
      false,
    ],
    [
      'is impossible for a worker that never started and whose end the kubelet made up',
      job({ annotations: onClaim }),
      seen(pod({ ...killed, worker: terminated(137, 2, 9, never), status: { phase: 'Failed' } })),
      true,
      false,
    ],
    [
      'is impossible for a worker that never started',
      job({ annotations: onClaim }),
      seen(pod({ uploader: terminated(137, 2, 10), status: { phase: 'Failed' } })),
      true,
      false,
    ],
  ])('%s', (_, one, newest, isLast, possible) => {
    expect(rescueOf(one, newest, isLast, undefined)).toEqual(possible ? { state: 'possible' } : undefined)
  })

  const words = JSON.stringify({ reason: 'UploadTimeout', message: 'not all of it' })
  it.each<[string, CachedRescue, object]>([
    ['runs as soon as its Job exists', { job: rescueJob(), pods: [] }, { state: 'running' }],
    ['runs as long as its pod does', { pods: [rescuePod('Running')] }, { state: 'running' }],
    [
      "is over with its uploader's termination message",
      { job: rescueJob([failed]), pods: [rescuePod('Failed', words)] },
      { state: 'over', message: 'UploadTimeout: not all of it' },
    ],
    [
      "is over with the message of the Job's condition",
      { job: rescueJob([failed]), pods: [] },
      { state: 'over', message: failed.message },
    ],
    [
      'is over if the cluster refuses it',
      { pods: [], refused: 'exceeded quota' },
      { state: 'over', message: 'exceeded quota' },
    ],
    ['is possible again after another client removed it', { pods: [] }, { state: 'possible' }],
  ])('%s', (_, rescue, expected) => {
    expect(rescueOf(job({ annotations: onClaim }), seen(ended), true, rescue)).toEqual(expected)
  })

  it('is unwanted once its job is stopped or deleted, until it is being removed', () => {
    const rescue = { job: rescueJob(), pods: [rescuePod('Running')] }
    const going = { deletionTimestamp: at(12), deletionGracePeriodSeconds: 1 }
    expect(isUnwanted(job({ annotations: onClaim }), rescue)).toBe(false)
    expect(isUnwanted(job({ annotations: { ...onClaim, ...stopped } }), rescue)).toBe(true)
    expect(isUnwanted(job({ metadata: { deletionTimestamp: at(11) } }), rescue)).toBe(true)
    const removed = { pods: [{ ...rescuePod('Running'), metadata: going }] }
    expect(isUnwanted(job({ annotations: stopped }), removed)).toBe(false)
  })

  it("runs only the uploader on the pod's claim, for the pod's attempt, and is owned by the Job", () => {
    const rescue = rescueObject({
      uuid,
      request: clusterRequest('', { upload_timeout_seconds: 77 }),
      settings,
      job: { name: `job-${uuid}`, uid: 'job-uid' },
      pod: { name: 'job-pod', uid: 'pod-1' },
    })
    expect(rescue.metadata).toMatchObject({
      name: `job-${uuid}-rescue`,
      ownerReferences: [{ kind: 'Job', name: `job-${uuid}`, uid: 'job-uid' }],
      labels: { 'app.kubernetes.io/managed-by': 'jobferry', 'jobferry.dev/job': uuid },
    })
    const spec = rescue.spec?.template.spec
    expect(spec?.initContainers).toBeUndefined()
    expect(spec?.volumes?.[0]?.persistentVolumeClaim).toEqual({ claimName: 'job-pod-results' })
    const [uploader, ...others] = spec?.containers ?? []
    expect(others).toEqual([])
    expect(uploader).not.toHaveProperty('startupProbe')
    const environment = Object.fromEntries((uploader?.env ?? []).map(({ name, value }) => [name, value]))
    expect(environment).toMatchObject({ ATTEMPT_UID: 'pod-1', RESCUE: 'true', UPLOAD_TIMEOUT_SECONDS: '77' })
    expect(environment).not.toHaveProperty('UPLOADER_PORT')
    expect(JSON.stringify(rescue)).not.toMatch(/the-access-key|the-secret-key/)
  })
})

describe('the cache of rescues', () => {
  it('finds rescues by the names of Jobs and owners, and forgets removed ones', () => {
    const cache = new RescueCache()
    expect(cache.putJob(job())).toBeUndefined()
    expect(cache.putPod(pod())).toBeUndefined()
    expect(cache.putJob(rescueJob())).toBe(uuid)
    expect(cache.putPod(rescuePod('Running'))).toBe(uuid)
    expect(cache.get(uuid, 'job-uid')).toMatchObject({ job: {}, pods: [{}] })
    expect(cache.get(uuid, 'a later job')).not.toHaveProperty('job')
    expect(cache.keepJobs(new Set())).toEqual([uuid])
    expect([...cache.pods()]).toHaveLength(1)
    expect(cache.removePod(rescuePod('Running'))).toBe(uuid)
    expect(cache.get(uuid, 'job-uid')).toBeUndefined()
  })
})
