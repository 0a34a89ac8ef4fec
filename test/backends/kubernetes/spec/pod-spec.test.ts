import { describe, expect, it } from 'vitest'
import { annotations, finalizer } from '../../../../src/backends/kubernetes/names.ts'
import { ownItemsOf, requestField } from '../../../../src/backends/kubernetes/spec/field-map.ts'
import { rescueObject } from '../../../../src/backends/kubernetes/spec/rescue-spec.ts'
import { uuid } from '../objects.ts'
import { clusterRequest } from '../request.ts'
import { build, settings } from './build-job.ts'

describe('the Job', () => {
  it('is suspended, annotated as being created, and held by a finalizer', () => {
    const { job } = build({ retries: 2 })
    expect(job.spec).toMatchObject({ suspend: true, backoffLimit: 2, podReplacementPolicy: 'Failed' })
    expect(job.metadata).toMatchObject({ name: `job-${uuid}`, namespace: 'jobs', finalizers: [finalizer] })
    expect(job.metadata?.annotations).toMatchObject({
      [annotations.creating]: '2026-01-01T00:00:00.000Z',
      [annotations.requestSha256]: 'a'.repeat(64),
    })
  })

  it("has the caller's labels and ours on itself and its pod", () => {
    const labels = { team: 'red', 'jobferry.dev/job': 'forged' }
    const { job } = build({ labels })
    const expected = { team: 'red', 'app.kubernetes.io/managed-by': 'jobferry', 'jobferry.dev/job': uuid }
    expect(job.metadata?.labels).toEqual(expected)
    expect(job.spec?.template.metadata?.labels).toEqual(expected)
  })

  it('contains no values of the environment and no credentials', () => {
    const { job } = build({ env: { TOKEN: 'hunter2' }, job_env: { OTHER: 'hunter3' } })
    expect(JSON.stringify(job)).not.toMatch(/hunter|the-access-key|the-secret-key/)
    expect(JSON.parse(job.metadata?.annotations?.[annotations.request] ?? '')).toMatchObject({
      env: { TOKEN: '' },
      job_env: { OTHER: '' },
    })
  })
})

describe('the uploader', () => {
  it('is a sidecar whose startup probe delays the worker, without a liveness probe', () => {
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

  it('gets the layout of the results unless it is `files`, and the limits of packing', () => {
    const names = (fields = {}) => build(fields).uploader?.env?.map(({ name }) => name)
    expect(names({ result_layout: 'files' })).not.toContain('RESULT_LAYOUT')
    expect(build().uploader?.env).toEqual(
      expect.arrayContaining([
        { name: 'RESULT_LAYOUT', value: 'auto' },
        { name: 'PACK_FILE_BYTES', value: '1048576' },
        { name: 'PACK_FROM_COUNT', value: '500' },
      ]),
    )
  })

  it('is root with one capability and only reads the results; restricted, it has no capability', () => {
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

  it('has a token for the kubelet alone, and the key of the API’s calls from the Secret', () => {
    const { uploader, worker } = build()
    const names = uploader?.env?.map(({ name }) => name)
    expect(names).not.toContain('STOP_TOKEN')
    expect(uploader?.env).toContainEqual({ name: 'PRE_STOP_TOKEN', value: 'token' })
    const secretKeyRef = { name: `job-${uuid}`, key: 'end-key', optional: true }
    expect(uploader?.env).toContainEqual({ name: 'END_KEY', valueFrom: { secretKeyRef } })
    expect(JSON.stringify(worker)).not.toContain('end-key')
  })

  it('gets inputs only if the job has inputs', () => {
    const names = (env: { name: string }[] | undefined) => env?.map(({ name }) => name)
    expect(names(build().uploader?.env)).not.toContain('INPUTS_SHA256')
    const plan = { uuid, request: clusterRequest(''), requestSha256: '', inputsSha256: 'b'.repeat(64) }
    const { uploader } = build({}, { plan })
    expect(uploader?.env).toContainEqual({ name: 'INPUTS_SHA256', value: 'b'.repeat(64) })
    expect(uploader?.volumeMounts).toContainEqual({ name: 'inputs', mountPath: '/input' })
  })

  it('alone gets the Secrets that inputs name, also those that do not exist yet', () => {
    const request = clusterRequest('', { volumes: [{ claim: 'c', mount_path: '/c', read_only: true }] })
    const plan = { uuid, request, requestSha256: '', inputsSha256: 'b'.repeat(64), secrets: ['data'] }
    const { uploader, worker, volumes, pod } = build({}, { plan })
    const secret = { secretName: 'data', defaultMode: 0o400, optional: true }
    expect(volumes).toContainEqual({ name: 'secret-0', secret })
    expect(uploader?.volumeMounts).toContainEqual({
      name: 'secret-0',
      mountPath: '/secrets/data',
      readOnly: true,
    })
    expect(uploader?.env).toContainEqual({ name: 'SECRETS_DIRECTORY', value: '/secrets' })
    expect(JSON.stringify(worker)).not.toContain('secret-0')
    // Errors of the API server still name the request's own volume.
    const index = volumes.findIndex(({ name }) => name === 'claim-0')
    const path = `spec.template.spec.volumes[${index}].persistentVolumeClaim`
    expect(requestField(path, ownItemsOf(request, pod))).toMatch(/^volumes\[0\]/)
  })
})

describe('the worker', () => {
  it("has the project's image if the request names none", () => {
    const { image: _, ...request } = clusterRequest('')
    expect(build({}, { plan: { uuid, request, requestSha256: '' } }).worker?.image).toBe('jobferry:1')
  })

  it('gets its environment in an order in which later sources override earlier ones', () => {
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
      { name: 'JOBFERRY_DIRECTORY', value: '/run/jobferry' },
    ])
  })

  it.each([
    ['env', { env: { JOBFERRY_DIRECTORY: '/own' } }],
    ['job_env', { job_env: { JOBFERRY_DIRECTORY: '/own' } }],
  ])(
    'has no folder for its word, which could hide files of its own, with that variable in %s',
    (_, request) => {
      const { worker } = build(request)
      expect(worker?.volumeMounts?.map(({ name }) => name)).toEqual(['results', 'inputs'])
      expect(worker?.env).not.toContainEqual(expect.objectContaining({ value: '/run/jobferry' }))
    },
  )

  it('has every $ of its command doubled, because Kubernetes would expand $(NAME)', () => {
    const { worker } = build({ command: ['sh'], args: ['-c', 'echo $$ $(date) $A'] })
    expect(worker?.args).toEqual(['-c', 'echo $$$$ $$(date) $$A'])
  })

  it('notifies the uploader of its end by an HTTP call to a port number', () => {
    expect(build().worker?.lifecycle).toEqual({ preStop: { httpGet: { path: '/stop/token', port: 47100 } } })
  })

  it('has the requested resources as requests and as limits', () => {
    const asked = { cpu: '500m', memory: '1Gi', 'nvidia.com/gpu': '2' }
    const { worker } = build({ cpu: '500m', memory: '1Gi', gpu: 2 })
    expect(worker?.resources).toEqual({ requests: asked, limits: asked })
    expect(build().worker?.resources).toEqual({ requests: {}, limits: {} })
  })

  it('runs as run_as_user, with the runtime’s seccomp profile, without escalation and some capabilities', () => {
    expect(build({ run_as_user: 7 }).worker?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      seccompProfile: { type: 'RuntimeDefault' },
      capabilities: { drop: ['NET_RAW', 'MKNOD', 'AUDIT_WRITE'] },
      runAsUser: 7,
    })
    expect(build().worker?.securityContext).not.toHaveProperty('runAsUser')
  })

  it('and its uploader, as a rescue, have no token of a service account and no shared process namespace', () => {
    const job = { name: `job-${uuid}`, uid: 'job-uid' }
    const pod = { name: 'pod', uid: 'pod-uid' }
    const rescue = rescueObject({ uuid, request: clusterRequest(''), settings, job, pod })
    for (const spec of [build().pod, build({ service_account: 'mine' }).pod, rescue.spec?.template.spec]) {
      expect(spec?.automountServiceAccountToken).toBe(false)
      for (const field of ['shareProcessNamespace', 'hostPID', 'hostNetwork', 'hostIPC'])
        expect(spec).not.toHaveProperty(field)
      for (const one of [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])])
        expect(one.securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          seccompProfile: { type: 'RuntimeDefault' },
        })
    }
  })
})

describe('the results', () => {
  it.each([
    [{}, { emptyDir: {} }],
    [{ result_storage: '2Gi' }, { emptyDir: { sizeLimit: '2Gi' } }],
  ])('are in an emptyDir with %j', (fields, volume) => {
    expect(build(fields).volumes[0]).toEqual({ name: 'results', ...volume })
  })

  it.each([
    ['', undefined],
    ['fast', 'fast'],
  ])('are in a claim of the class %j', (result_storage_class, storageClassName) => {
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
