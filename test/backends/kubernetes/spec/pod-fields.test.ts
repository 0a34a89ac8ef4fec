import { describe, expect, it } from 'vitest'
import { annotations } from '../../../../src/backends/kubernetes/names.ts'
import { againObject } from '../../../../src/backends/kubernetes/spec/again-spec.ts'
import { ownItemsOf, requestField } from '../../../../src/backends/kubernetes/spec/field-map.ts'
import { rescueObject } from '../../../../src/backends/kubernetes/spec/rescue-spec.ts'
import type { JobRequest } from '../../../../src/job/request/request.ts'
import { uuid } from '../objects.ts'
import { clusterRequest } from '../request.ts'
import { build, settings } from './build-job.ts'

const nodeAffinity = {
  requiredDuringSchedulingIgnoredDuringExecution: {
    nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'Exists' as const }] }],
  },
}
const podAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone' }] }
const fields: Partial<JobRequest> = {
  annotations: { 'team.example/cost': 'physics' },
  ...{ runtime_class: 'kata', affinity: { nodeAffinity, podAffinity }, shared_memory: '1Gi' },
  volumes: [{ claim: 'c', mount_path: '/data', read_only: false }],
}

describe('the pod', () => {
  it('has annotations, as its Job, a runtime class and an affinity', () => {
    const { job, pod } = build(fields)
    expect(job.metadata?.annotations).toMatchObject({ 'team.example/cost': 'physics' })
    expect(job.spec?.template.metadata?.annotations).toEqual({ 'team.example/cost': 'physics' })
    expect(pod).toMatchObject({ runtimeClassName: 'kata', affinity: { nodeAffinity, podAffinity } })
    const stepped = build({ ...fields, steps: [{ name: 'a' }] }).job.spec?.template.metadata
    expect(stepped?.annotations).toEqual({ 'team.example/cost': 'physics', [annotations.lastStep]: 'a' })
  })

  it('has shared memory of a size in each program, and not in the uploader', () => {
    const { pod, uploader, worker, volumes } = build(fields)
    const volume = { name: 'shared-memory', emptyDir: { medium: 'Memory', sizeLimit: '1Gi' } }
    expect(volumes).toContainEqual(volume)
    expect(worker?.volumeMounts).toContainEqual({ name: 'shared-memory', mountPath: '/dev/shm' })
    expect(JSON.stringify(uploader)).not.toContain('shared-memory')
    // Errors of the API server name the right field.
    const own = ownItemsOf(clusterRequest('', fields), pod)
    const at = (name: string) => volumes.findIndex((one) => one.name === name)
    const path = (name: string) => `spec.template.spec.volumes[${at(name)}].x`
    expect(requestField(path('shared-memory'), own)).toBe('shared_memory')
    expect(requestField(path('claim-0'), own)).toBe('volumes[0].claim')
  })
})

describe('resources', () => {
  const resourcesOf = (request: Partial<JobRequest>) => build(request).worker?.resources

  it('are requests and limits alike, but for requests of cpu and memory of their own', () => {
    expect(resourcesOf({ cpu: '2', memory: '4Gi', cpu_request: '500m', ephemeral_storage: '5Gi' })).toEqual({
      requests: { cpu: '500m', memory: '4Gi', 'ephemeral-storage': '5Gi' },
      limits: { cpu: '2', memory: '4Gi', 'ephemeral-storage': '5Gi' },
    })
    expect(resourcesOf({ memory_request: '1Gi' })).toEqual({ requests: { memory: '1Gi' }, limits: {} })
  })

  it('are devices by name beside gpu, and none of a device with 0', () => {
    const devices = { 'nvidia.com/gpu': '1', 'example.com/fpga': '2' }
    const asked = { gpu: 1, extended_resources: { 'example.com/fpga': 2, 'example.com/nic': 0 } }
    expect(resourcesOf(asked)).toEqual({ requests: devices, limits: devices })
  })

  it('of a step replace those beside steps', () => {
    const { pod } = build({
      ...{ memory: '1Gi', memory_request: '512Mi', ephemeral_storage: '1Gi' },
      extended_resources: { 'a.io/b': 1 },
      steps: [{ name: 'a', memory: '2Gi', extended_resources: {}, ephemeral_storage: '2Gi' }, { name: 'b' }],
    })
    const [, a, b] = [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])]
    expect(a?.resources?.requests).toEqual({ memory: '2Gi', 'ephemeral-storage': '2Gi' })
    expect(b?.resources?.requests).toEqual({ memory: '512Mi', 'ephemeral-storage': '1Gi', 'a.io/b': '1' })
  })
})

it('variables of Secrets and ConfigMaps come behind those of environments, in every program', () => {
  const { pod } = build(
    {
      ...{ job_env: { A: '1' }, config_map_ref: ['env-1'] },
      env_from: [{ secret: 'database' }, { config_map: 'settings' }],
      steps: [{ name: 'a' }, { name: 'b' }],
    },
    { environmentKinds: ['plain'] },
  )
  const [uploader, ...programs] = [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])]
  expect(uploader).not.toHaveProperty('envFrom')
  for (const { envFrom } of programs) {
    expect(envFrom?.slice(1)).toEqual([
      { configMapRef: { name: 'env-1' } },
      { secretRef: { name: 'database' } },
      { configMapRef: { name: 'settings' } },
    ])
  }
})

it('a program that is to be held runs in a shell, but for a step whose failure is ignored', () => {
  const { worker } = build({ command: ['run', '$HOME'], args: ['--all'], hold_after_failure_seconds: 60 })
  expect(worker?.command?.slice(0, 2)).toEqual(['/bin/sh', '-c'])
  expect(worker?.command?.slice(-5)).toEqual(['60', '/run/jobferry/held', 'run', '$$HOME', '--all'])
  expect(worker).not.toHaveProperty('args')
  const steps = [
    { name: 'a', command: ['x'], ignore_error: true },
    { name: 'b', command: ['y'] },
  ]
  const { pod } = build({ steps, hold_after_failure_seconds: 60 })
  const [, a, b] = [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])]
  expect(a?.command?.slice(-3)).toEqual(['', '', 'x'])
  expect(b?.command?.slice(-3)).toEqual(['60', '/run/jobferry/held', 'y'])
})

it('a hold replaces no entrypoint of an image', () => {
  const { worker } = build({ command: [], args: ['--all'], hold_after_failure_seconds: 60 })
  expect(worker?.command).toEqual([])
  expect(worker?.args).toEqual(['--all'])
})

it('a rescue keeps annotations and nodes, and waits for no other pods', () => {
  const request = clusterRequest('', { ...fields, result_storage_class: '' })
  const rescue = rescueObject({ uuid, request, settings, job: {}, pod: { name: 'p' } })
  expect(rescue.spec?.template.metadata?.annotations).toEqual(fields.annotations)
  expect(rescue.spec?.template.spec).toMatchObject({ runtimeClassName: 'kata', affinity: { nodeAffinity } })
  expect(rescue.spec?.template.spec?.affinity).not.toHaveProperty('podAffinity')
})

it('a further Job has the annotations of the first one that are the request’s', () => {
  const { job } = build(fields)
  const first = { ...job, metadata: { ...job.metadata, uid: 'u' } }
  const again = againObject(uuid, first, { number: 1, retries: 0 })
  expect(again.metadata?.annotations).toEqual({ ...fields.annotations, [annotations.firstJob]: 'u' })
})
