import { describe, expect, it } from 'vitest'
import type { JobRequest } from '../../src/job/request.ts'
import { annotations, finalizer } from '../../src/kubernetes/names.ts'
import { jobObject } from '../../src/kubernetes/pod-spec.ts'
import type { KubernetesSettings } from '../../src/kubernetes/settings.ts'
import type { EnvironmentKind } from '../../src/kubernetes/worker-container.ts'
import { uuid } from './objects.ts'
import { clusterRequest } from './request.ts'

const settings: KubernetesSettings = {
  namespace: 'jobs',
  uploaderImage: 'jobferry:1',
  uploaderPort: 47100,
  podSecurity: 'baseline',
  lostNodeSeconds: 300,
  store: { endpointForPods: 'http://minio:9000', bucket: 'b', region: 'r', prefix: 'p/' },
  uploaderCredentials: { accessKey: 'the-access-key', secretKey: 'the-secret-key' },
}

function build(fields: Partial<JobRequest> = {}, more: Partial<Parameters<typeof jobObject>[0]> = {}) {
  const plan = { uuid, request: clusterRequest('exit 0', fields), requestSha256: 'a'.repeat(64) }
  const environmentKinds: EnvironmentKind[] = []
  const now = new Date('2026-01-01T00:00:00.000Z')
  const job = jobObject({ plan, settings, stopToken: 'token', environmentKinds, now, ...more })
  const pod = job.spec?.template.spec
  const [uploader, worker] = [pod?.initContainers?.[0], pod?.containers[0]]
  return { job, pod, uploader, worker, volumes: pod?.volumes ?? [] }
}

describe('the Job', () => {
  it('is suspended, marked as being created, and held until it is archived', () => {
    const { job } = build({ retries: 2 })
    expect(job.spec).toMatchObject({ suspend: true, backoffLimit: 2, podReplacementPolicy: 'Failed' })
    expect(job.metadata).toMatchObject({ name: `job-${uuid}`, namespace: 'jobs', finalizers: [finalizer] })
    expect(job.metadata?.annotations).toMatchObject({
      [annotations.creating]: '2026-01-01T00:00:00.000Z',
      [annotations.requestSha256]: 'a'.repeat(64),
    })
  })

  it("labels itself and its pod with the caller's labels and its own", () => {
    const labels = { team: 'red', 'jobferry.dev/job': 'forged' }
    const { job } = build({ labels })
    const expected = { team: 'red', 'app.kubernetes.io/managed-by': 'jobferry', 'jobferry.dev/job': uuid }
    expect(job.metadata?.labels).toEqual(expected)
    expect(job.spec?.template.metadata?.labels).toEqual(expected)
  })

  it('holds no value of the environment and no credentials', () => {
    const { job } = build({ env: { TOKEN: 'hunter2' }, job_env: { OTHER: 'hunter3' } })
    expect(JSON.stringify(job)).not.toMatch(/hunter|the-access-key|the-secret-key/)
    expect(JSON.parse(job.metadata?.annotations?.[annotations.request] ?? '')).toMatchObject({
      env: { TOKEN: '' },
      job_env: { OTHER: '' },
    })
  })
})

describe('the uploader', () => {
  it('is a sidecar that holds the worker back and is never ended by a probe of its own', () => {
    const { uploader, pod } = build({ upload_timeout_seconds: 77 })
    expect(uploader).toMatchObject({
      restartPolicy: 'Always',
      command: ['/bin/sh', '/app/supervise.sh', 'node', '/app/uploader.js'],
      startupProbe: {
        httpGet: { path: '/ready', port: 47100 },
        periodSeconds: 1,
        terminationGracePeriodSeconds: 5,
      },
    })
    expect(uploader).not.toHaveProperty('livenessProbe')
    expect(pod?.terminationGracePeriodSeconds).toBe(77)
    expect(pod).toMatchObject({ restartPolicy: 'Never', automountServiceAccountToken: false })
  })

  it('is told of a layout of the results other than `files`, and what is packed', () => {
    const names = (fields = {}) => build(fields).uploader?.env?.map(({ name }) => name)
    expect(names()).not.toContain('RESULT_LAYOUT')
    expect(build({ result_layout: 'auto' }).uploader?.env).toEqual(
      expect.arrayContaining([
        { name: 'RESULT_LAYOUT', value: 'auto' },
        { name: 'PACK_FILE_BYTES', value: '1048576' },
        { name: 'PACK_FROM_COUNT', value: '1000' },
      ]),
    )
  })

  it('is root with one capability and reads the results alone, or as restricted as can be', () => {
    expect(build().uploader?.securityContext).toEqual({
      runAsUser: 0,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      seccompProfile: { type: 'RuntimeDefault' },
      capabilities: { drop: ['ALL'], add: ['DAC_OVERRIDE'] },
    })
    expect(build().uploader?.volumeMounts).toContainEqual({
      name: 'results',
      mountPath: '/results',
      readOnly: true,
    })
    const restricted = build({}, { settings: { ...settings, podSecurity: 'restricted' } })
    expect(restricted.uploader?.securityContext?.capabilities).toEqual({ drop: ['ALL'] })
    expect(restricted.worker?.securityContext?.capabilities).toEqual({ drop: ['ALL'] })
    expect(restricted.pod?.securityContext).toMatchObject({
      runAsUser: 1000,
      runAsNonRoot: true,
      fsGroup: 1000,
    })
  })

  it('gets inputs only where there are any', () => {
    const names = (env: { name: string }[] | undefined) => env?.map(({ name }) => name)
    expect(names(build().uploader?.env)).not.toContain('INPUTS_SHA256')
    const plan = { uuid, request: clusterRequest(''), requestSha256: '', inputsSha256: 'b'.repeat(64) }
    const { uploader } = build({}, { plan })
    expect(uploader?.env).toContainEqual({ name: 'INPUTS_SHA256', value: 'b'.repeat(64) })
    expect(uploader?.volumeMounts).toContainEqual({ name: 'inputs', mountPath: '/input' })
  })
})

describe('the worker', () => {
  it("is the project's own image where the request names none", () => {
    const { image: _, ...request } = clusterRequest('')
    expect(build({}, { plan: { uuid, request, requestSha256: '' } }).worker?.image).toBe('jobferry:1')
  })

  it('gets its environment in the order that lets later sources win', () => {
    const { worker } = build(
      { job_env: { A: '1' }, config_map_ref: ['env-1', 'env-2'], env: { B: '2', INPUT_DIRECTORY: '/x' } },
      { environmentKinds: ['plain', 'secret'] },
    )
    expect(worker?.envFrom).toEqual([
      { configMapRef: { name: `job-${uuid}` } },
      { configMapRef: { name: 'env-1' } },
      { secretRef: { name: 'env-2' } },
    ])
    expect(worker?.env).toEqual([
      { name: 'B', valueFrom: { secretKeyRef: { name: `job-${uuid}`, key: 'env.B' } } },
      { name: 'RESULT_DIRECTORY', value: '/output' },
      { name: 'INPUT_DIRECTORY', value: '/input' },
    ])
  })

  it('doubles every $ of a command, which Kubernetes would otherwise take for its own', () => {
    const { worker } = build({ command: ['sh'], args: ['-c', 'echo $$ $(date) $A'] })
    expect(worker?.args).toEqual(['-c', 'echo $$$$ $$(date) $$A'])
  })

  it('tells the uploader of its end by an HTTP call to a number', () => {
    expect(build().worker?.lifecycle).toEqual({ preStop: { httpGet: { path: '/stop/token', port: 47100 } } })
  })

  it('has what it asks for as request and as limit', () => {
    const asked = { cpu: '500m', memory: '1Gi', 'nvidia.com/gpu': '2' }
    const { worker } = build({ cpu: '500m', memory: '1Gi', gpu: 2 })
    expect(worker?.resources).toEqual({ requests: asked, limits: asked })
    expect(build().worker?.resources).toEqual({ requests: {}, limits: {} })
  })

  it('runs as the user that was asked for, and gains no privileges', () => {
    expect(build({ run_as_user: 7 }).worker?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      runAsUser: 7,
    })
  })
})

describe('the results', () => {
  it.each([
    [{}, { emptyDir: {} }],
    [{ result_storage: '2Gi' }, { emptyDir: { sizeLimit: '2Gi' } }],
  ])('lie in an emptyDir with %j', (fields, volume) => {
    expect(build(fields).volumes[0]).toEqual({ name: 'results', ...volume })
  })

  it.each([
    ['', undefined],
    ['fast', 'fast'],
  ])('lie in a claim of the class %j', (result_storage_class, storageClassName) => {
    const { volumes } = build({ result_storage: '2Gi', result_storage_class })
    const spec = volumes[0]?.ephemeral?.volumeClaimTemplate?.spec
    expect(spec?.storageClassName).toBe(storageClassName)
    expect(spec?.resources?.requests).toEqual({ storage: '2Gi' })
  })

  it("are writable in a new claim for the worker's own user", () => {
    const fields = { result_storage: '2Gi', result_storage_class: '', run_as_user: 7 }
    expect(build(fields).pod?.securityContext?.fsGroup).toBe(7)
    expect(build({ run_as_user: 7 }).pod?.securityContext).toBeUndefined()
  })
})
