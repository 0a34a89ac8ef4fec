import { describe, expect, it, test } from 'vitest'
import { jobName, resultsClaim } from '../../../src/backends/kubernetes/names.ts'
import { judge } from '../../../src/job/policy/judge.ts'
import type { PodSelectors, PolicyContext } from '../../../src/job/policy/judged-request.ts'
import { parsePolicy } from '../../../src/job/policy/policy.ts'
import { parseConfiguredJob, parseRequest } from '../../../src/job/request/request-schema.ts'

const selectors: PodSelectors = {
  complete: true,
  list: [
    {
      name: 'the API',
      labels: { 'app.kubernetes.io/name': 'jobferry', 'app.kubernetes.io/component': 'api' },
    },
    { name: 'the Service minio', labels: { 'app.kubernetes.io/name': 'minio' } },
  ],
  knownNames: ['jobferry', 'minio'],
}
const context: PolicyContext = { podSecurity: 'baseline', selectors }
const jobClaim = resultsClaim(`${jobName('6f1c1c1a-0c1d-4a4e-9d58-0123456789ab')}-x7k2p`)

/** The careful form in manifests/base. */
const careful = {
  service_accounts: 'none',
  priority_classes: 'none',
  tolerations: 'none',
  claims: 'all-but-jobs',
  labels: 'unselected',
  annotations: 'none',
  runtime_classes: 'none',
  extended_resources: 'none',
  affinity: 'own-namespace',
  root: 'pod-security',
}

/** Names of the refused fields. */
function refusedFields(
  policy: object,
  request: object,
  configured?: object,
  place: Partial<PolicyContext> = {},
) {
  const job = configured && parseConfiguredJob(configured, 'mine')
  const judged = { given: parseRequest(request), configured: job }
  return judge(judged, parsePolicy(policy), { ...context, ...place }).map(({ field }) => field)
}

const taint = { key: 'dedicated', operator: 'Equal', value: 'gpu', effect: 'NoSchedule' }
const volume = (claim: string, read_only = false) => ({
  volumes: [{ claim, mount_path: '/data', read_only }],
})

describe('a request', () => {
  it.each<[policy: object, request: object, refused: string[]]>([
    [{}, { service_account: 'a', tolerations: [{ operator: 'Exists' }], run_as_user: 0, cpu: '1000' }, []],
    [
      careful,
      { image: 'python:3', labels: { app: 'submission-helper' }, node_selector: { disk: 'ssd' } },
      [],
    ],
    [careful, { service_account: 'builder' }, ['service_account']],
    [careful, { priority_class: 'high' }, ['priority_class']],
    [careful, { tolerations: [taint] }, ['tolerations[0]']],
    [careful, volume('datasets'), []],
    [careful, volume(jobClaim), ['volumes[0].claim']],
    [careful, { run_as_user: 0 }, []],
    [{ images: ['registry.example/team/*'] }, { image: 'registry.example/team/app:1' }, []],
    [{ images: ['registry.example/team/*'] }, { image: 'python:3' }, ['image']],
    [{ images: 'none' }, { image: 'python:3' }, ['image']],
    [{ image_pull_secrets: ['team-*'] }, { image_pull_secret: 'team-a' }, []],
    [{ image_pull_secrets: ['team-*'] }, { image_pull_secret: 'admin' }, ['image_pull_secret']],
    [{ service_accounts: ['job-*'] }, { service_account: 'job-a' }, []],
    [{ tolerations: ['dedicated'] }, { tolerations: [taint] }, []],
    [{ tolerations: ['dedicated=gpu:NoSchedule'] }, { tolerations: [taint] }, []],
    [{ tolerations: ['dedicated=cpu'] }, { tolerations: [taint] }, ['tolerations[0]']],
    [{ tolerations: ['dedicated:NoExecute'] }, { tolerations: [taint] }, ['tolerations[0]']],
    [
      { tolerations: ['dedicated=gpu'] },
      { tolerations: [{ key: 'dedicated', operator: 'Exists' }] },
      ['tolerations[0]'],
    ],
    [{ tolerations: ['*'] }, { tolerations: [taint, { operator: 'Exists' }] }, ['tolerations[1]']],
    [{ claims: ['data-*'] }, volume('data-1'), []],
    [{ claims: ['data-*'] }, volume('other'), ['volumes[0].claim']],
    [{ claims: ['*'] }, volume(jobClaim), ['volumes[0].claim']],
    [{ node_selectors: ['disk=ssd', 'zone'] }, { node_selector: { disk: 'ssd', zone: 'b' } }, []],
    [{ node_selectors: ['disk=ssd'] }, { node_selector: { disk: 'hdd' } }, ['node_selector.disk']],
    [{ labels: ['team.example/*'] }, { labels: { 'team.example/a': '1' } }, []],
    [{ labels: ['team.example/*'] }, { labels: { app: 'x' } }, ['labels.app']],
    [{ labels: 'none' }, { labels: { app: 'x' } }, ['labels.app']],
    [careful, { annotations: { 'sidecar.example/inject': 'true' } }, ['annotations.sidecar.example/inject']],
    [{ annotations: ['team.example/*'] }, { annotations: { 'team.example/a': '1' } }, []],
    [careful, { runtime_class: 'kata' }, ['runtime_class']],
    [careful, { extended_resources: { 'a.io/b': 1 }, gpu: 1 }, ['extended_resources.a.io/b']],
    [{ extended_resources: ['a.io/*'] }, { extended_resources: { 'a.io/b': 1 } }, []],
    [
      careful,
      { steps: [{ name: 'a', extended_resources: { 'a.io/b': 1 } }] },
      ['steps[0].extended_resources.a.io/b'],
    ],
    [{ maximum: { cpu: '2' } }, { cpu_request: '3' }, ['cpu_request']],
    [
      { maximum: { memory: '1Gi' } },
      { steps: [{ name: 'a', memory_request: '2Gi' }] },
      ['steps[0].memory_request'],
    ],
    [{ maximum: { shared_memory: '1Gi' } }, { shared_memory: '2Gi' }, ['shared_memory']],
    [{ maximum: { ephemeral_storage: '1Gi' } }, { ephemeral_storage: '2Gi' }, ['ephemeral_storage']],
    [{ root: 'none' }, { run_as_user: 0 }, ['run_as_user']],
    [{ root: 'none' }, { run_as_user: 1 }, []],
    [{ maximum: { cpu: '2' } }, { cpu: '2000m' }, []],
    [{ maximum: { cpu: '2', memory: '1Gi' } }, { cpu: '2.5', memory: '1100M' }, ['cpu', 'memory']],
    [
      { maximum: { gpu: 0, timeout_seconds: 60 } },
      { gpu: 1, timeout_seconds: 61 },
      ['gpu', 'timeout_seconds'],
    ],
  ])('under %j may say %j but for the fields %j', (policy, request, refused) => {
    expect(refusedFields(policy, request)).toEqual(refused)
  })

  it('may not be root where POD_SECURITY is restricted', () => {
    const restricted = { podSecurity: 'restricted' } as const
    expect(refusedFields(careful, { run_as_user: 0 }, undefined, restricted)).toEqual(['run_as_user'])
    expect(refusedFields({ root: 'all' }, { run_as_user: 0 }, undefined, restricted)).toEqual([])
  })
})

describe('an affinity', () => {
  const preferred = 'preferredDuringSchedulingIgnoredDuringExecution'
  const required = 'requiredDuringSchedulingIgnoredDuringExecution'
  const nodes = (...matchExpressions: object[]) => ({
    affinity: { nodeAffinity: { [required]: { nodeSelectorTerms: [{ matchExpressions }] } } },
  })
  const at = `affinity.nodeAffinity.${required}.nodeSelectorTerms[0].matchExpressions`

  it('selects nodes as node_selector may, by every value, and by patterns of keys for other operators', () => {
    const policy = { node_selectors: ['disk=ssd', 'zone'] }
    const ssd = { key: 'disk', operator: 'In', values: ['ssd'] }
    expect(refusedFields(policy, nodes(ssd, { key: 'zone', operator: 'Exists' }))).toEqual([])
    expect(refusedFields(policy, nodes(ssd, { ...ssd, values: ['ssd', 'hdd'] }))).toEqual([`${at}[1]`])
    expect(refusedFields(policy, nodes({ ...ssd, operator: 'NotIn' }))).toEqual([`${at}[0]`])
  })

  it('keeps no pods off nodes but under all', () => {
    const request = { affinity: { podAntiAffinity: { [required]: [{ topologyKey: 'zone' }] } } }
    expect(refusedFields(careful, request)).toEqual([`affinity.podAntiAffinity.${required}`])
    expect(refusedFields({}, request)).toEqual([])
    expect(refusedFields(careful, { affinity: { podAffinity: request.affinity.podAntiAffinity } })).toEqual(
      [],
    )
  })

  it('names no other namespace but under all, and is refused whole under none', () => {
    const term = { topologyKey: 'zone', namespaces: ['other'] }
    const request = {
      affinity: { podAntiAffinity: { [preferred]: [{ weight: 1, podAffinityTerm: term }] } },
    }
    const field = `affinity.podAntiAffinity.${preferred}[0].podAffinityTerm.namespaces`
    expect(refusedFields(careful, request)).toEqual([field])
    expect(refusedFields({}, request)).toEqual([])
    expect(refusedFields({ affinity: 'none' }, request)).toEqual(['affinity'])
    const strong = { image: 'a', command: ['x'], ...request }
    expect(refusedFields(careful, { job: 'mine', ...request }, strong)).toEqual([])
    expect(refusedFields(careful, { job: 'mine', command: ['y'] }, strong)).toEqual(['command'])
  })
})

describe('env_from', () => {
  const secret = (name: string) => ({ env_from: [{ secret: name }] })
  const policy = { env_secrets: ['team-*', 'job*', 'jobferry'], env_config_maps: ['settings'] }
  const field = 'env_from[0].secret'

  it('names what the operator lists, and nothing without a list', () => {
    expect(refusedFields({}, secret('team-a'))).toEqual([field])
    expect(refusedFields({}, { env_from: [{ config_map: 'settings' }] })).toEqual(['env_from[0].config_map'])
    expect(refusedFields(policy, { env_from: [{ secret: 'team-a' }, { config_map: 'settings' }] })).toEqual(
      [],
    )
    expect(refusedFields(policy, { env_from: [{ config_map: 'team-a' }] })).toEqual([
      'env_from[0].config_map',
    ])
  })

  it('never names an object of Jobferry or of a job', () => {
    expect(refusedFields(policy, secret(jobName('6f1c1c1a-0c1d-4a4e-9d58-0123456789ab')))).toEqual([field])
    const reserved = [{ secret: 'jobferry' }]
    expect(refusedFields(policy, secret('jobferry'), undefined, { reserved })).toEqual([field])
    expect(refusedFields(policy, secret('team-a'), undefined, { reserved })).toEqual([])
  })

  it('of a configured job keeps callers from giving it another program', () => {
    const strong = { image: 'a', command: ['x'], ...secret('database') }
    expect(refusedFields({}, { job: 'mine', ...secret('database') }, strong)).toEqual([])
    expect(refusedFields({}, { job: 'mine', command: ['env'] }, strong)).toEqual(['command'])
  })
})

describe('labels', () => {
  const own = { 'app.kubernetes.io/name': 'jobferry', 'app.kubernetes.io/component': 'api' }

  it("can't make a pod part of a Service or of the API, in any policy but all", () => {
    for (const labels of ['unselected', ['*'], ['app.kubernetes.io/*']]) {
      expect(refusedFields({ labels }, { labels: own }), String(labels)).toEqual([
        'labels.app.kubernetes.io/name',
      ])
      expect(
        refusedFields(
          { labels },
          { labels: { 'app.kubernetes.io/name': 'minio', 'app.kubernetes.io/x': 'y' } },
        ),
      ).toHaveLength(1)
    }
    expect(refusedFields({ labels: 'all' }, { labels: own })).toEqual([])
  })

  it('pass if they are only a part of a selector', () => {
    expect(refusedFields(careful, { labels: { 'app.kubernetes.io/name': 'jobferry' } })).toEqual([])
  })

  it("can't complete a selector of which the configured job has a part", () => {
    const configured = { image: 'a', labels: { 'app.kubernetes.io/component': 'api' } }
    expect(refusedFields(careful, { job: 'mine', labels: own }, configured)).toHaveLength(1)
    expect(refusedFields(careful, { job: 'mine', labels: own }, { image: 'a', labels: own })).toEqual([])
  })

  it('are judged by names if Services can not be listed', () => {
    const unlisted = { selectors: { ...selectors, complete: false, list: selectors.list.slice(0, 1) } }
    const judged = (labels: object) => refusedFields(careful, { labels }, undefined, unlisted)
    expect(judged({ app: 'submission-helper' })).toEqual([])
    expect(judged({ app: 'minio' })).toEqual(['labels.app'])
    expect(judged({ 'app.kubernetes.io/instance': 'x' })).toEqual(['labels.app.kubernetes.io/instance'])
  })
})

describe('a configured job', () => {
  const strong = {
    image: 'tool:1',
    service_account: 'reader',
    tolerations: [taint],
    ...volume('secrets', true),
    cpu: '64',
  }
  const policy = { ...careful, claims: 'none', images: 'none', maximum: { cpu: '4' } }

  it('may go beyond the policy, with variables and limits of the caller', () => {
    expect(
      refusedFields(policy, { job: 'mine', env: { A: '1' }, cpu: '2', timeout_seconds: 5 }, strong),
    ).toEqual([])
  })

  it('may be repeated by the caller, but not extended', () => {
    const { image: _, ...same } = strong
    expect(refusedFields(policy, { job: 'mine', ...same }, strong)).toEqual([])
    const more = { tolerations: [taint, { ...taint, value: 'other' }], service_account: 'writer', cpu: '65' }
    expect(refusedFields(policy, { job: 'mine', ...more }, strong)).toEqual([
      'service_account',
      'tolerations[1]',
      'cpu',
    ])
    expect(refusedFields(policy, { job: 'mine', ...volume('secrets', false) }, strong)).toEqual([
      'volumes[0].claim',
    ])
  })

  it("gets no other program from a caller, who would have the job's rights", () => {
    const open = { ...policy, images: 'all' }
    expect(refusedFields(open, { job: 'mine', command: ['sh'] }, strong)).toEqual(['command'])
    expect(refusedFields(open, { job: 'mine', image: 'evil', args: ['x'] }, strong)).toEqual([
      'image',
      'args',
    ])
    expect(refusedFields(open, { job: 'mine', image: 'tool:1' }, strong)).toEqual([])
    expect(refusedFields(open, { job: 'mine', command: ['sh'] }, { image: 'tool:1', cpu: '64' })).toEqual([])
  })
})

test('an error names the field, the values that are allowed and that the policy decides', () => {
  const policy = parsePolicy({ service_accounts: ['a', 'b-*'] })
  expect(judge({ given: parseRequest({ service_account: 'c' }) }, policy, context)).toEqual([
    {
      field: 'service_account',
      problem: "is not allowed by the operator's policy",
      expected: 'one of a, b-*',
    },
  ])
})
