import { describe, expect, test } from 'vitest'
import { requestFields } from '../../../src/job/request/fields.ts'
import { parseConfiguredJob, parseRequest } from '../../../src/job/request/request-schema.ts'
import { fieldsOf } from './fields-of.ts'

const [longest, dollars] = ['a', '$'].map((sign) => Array.from({ length: 50 }, () => sign.repeat(256)))

const required = 'requiredDuringSchedulingIgnoredDuringExecution'
const preferred = 'preferredDuringSchedulingIgnoredDuringExecution'
const isSsd = { key: 'disk', operator: 'In', values: ['ssd'] }
const besides = { labelSelector: { matchExpressions: [isSsd], matchLabels: { a: 'b' } }, topologyKey: 'zone' }
const nodes = (expression: object) => ({
  affinity: { nodeAffinity: { [required]: { nodeSelectorTerms: [{ matchExpressions: [expression] }] } } },
})
const ofNodes = `affinity.nodeAffinity.${required}.nodeSelectorTerms`

describe('a valid request stays unchanged', () => {
  test.each([
    [{}],
    [{ job: 'default', image: 'registry.example:5000/team/worker:1.2@sha256:'.concat('a'.repeat(64)) }],
    [{ image: 'busybox', command: ['sh', '-c', 'echo $(date)'], args: [] }],
    [{ env: { FOO: '', _x1: 'a\nb "c"' }, config_map_ref: ['env-4f2a'] }],
    [{ cpu: '500m', memory: '1.5Gi', gpu: 0, result_storage: '2e3', result_storage_class: '' }],
    [{ node_selector: { 'kubernetes.io/arch': 'arm64' }, labels: { team: '', 'example.com/a_b': 'X.y' } }],
    [{ tolerations: [{ operator: 'Exists' }, { key: 'gpu', value: 'yes', effect: 'NoSchedule' }] }],
    [{ tolerations: [{ key: 'k', effect: 'NoExecute', tolerationSeconds: 30 }] }],
    [nodes(isSsd)],
    [{ affinity: { podAntiAffinity: { [preferred]: [{ weight: 1, podAffinityTerm: besides }] } } }],
    [{ annotations: { 'a.io/b': 'any\ntext' }, runtime_class: 'kata', shared_memory: '1Gi' }],
    [{ cpu_request: '100m', memory_request: '1Gi', ephemeral_storage: '5Gi' }],
    [{ extended_resources: { 'example.com/fpga': 2 } }],
    [{ outputs: { include: ['*.csv', '/a/**/b/'], exclude: ['\\!x', '\\#y', 'ü ?[a-c]'], when: 'success' } }],
    [{ outputs: { include: longest, exclude: longest, required: longest } }],
    [{ run_as_user: 0, retries: 2, keep_seconds: 0, timeout_seconds: 1, stop_grace_seconds: 1 }],
  ])('%j', (request) => {
    expect(parseRequest(request)).toEqual(request)
  })
})

test('a quantity may be a number, a trailing slash of a path is dropped, read_only defaults to false', () => {
  const request = { cpu: 2, result_directory: '/out/', volumes: [{ claim: 'maps', mount_path: '/maps' }] }
  expect(parseRequest(request)).toEqual({
    cpu: '2',
    result_directory: '/out',
    volumes: [{ claim: 'maps', mount_path: '/maps', read_only: false }],
  })
})

describe('a field that Kubernetes or the kernel would refuse is named', () => {
  const cases: [request: unknown, field: string][] = [
    [null, 'request'],
    [[], 'request'],
    ['text', 'request'],
    [{ image: 7 }, 'image'],
    [{ image: '' }, 'image'],
    [{ image: 'team/Upper' }, 'image'],
    [{ image: 'a b' }, 'image'],
    [{ image: 'a:b:c' }, 'image'],
    [{ image: 'a@sha256:12' }, 'image'],
    [{ image: 'a/../b' }, 'image'],
    [{ job: 'No_Label' }, 'job'],
    [{ job: 'x'.repeat(64) }, 'job'],
    [{ command: 'sh -c' }, 'command'],
    [{ command: [''] }, 'command'],
    [{ args: [1] }, 'args[0]'],
    [{ args: ['ok', 'NUL \0'] }, 'args[1]'],
    [{ args: ['x'.repeat(131_072)] }, 'args[0]'],
    [{ env: ['A=1'] }, 'env'],
    [{ env: { 'A B': '' } }, 'env.A B'],
    [{ env: { '1A': '' } }, 'env.1A'],
    [{ env: { A: 1 } }, 'env.A'],
    [{ env: { A: null } }, 'env.A'],
    [{ env: { A: '\ud800' } }, 'env.A'],
    [{ env: { 'A\0': '' } }, 'env.A\\0'],
    [JSON.parse('{"env": {"__proto__": "x"}}'), 'env.__proto__'],
    [JSON.parse('{"__proto__": {"image": "x"}}'), '__proto__'],
    [{ env: { RESULT_DIRECTORY: '/x' } }, 'env.RESULT_DIRECTORY'],
    [{ env: { INPUT_DIRECTORY: '/x' } }, 'env.INPUT_DIRECTORY'],
    [{ parameters: { days: [3] } }, 'parameters.days'],
    [{ parameters: 'days=3' }, 'parameters'],
    [{ config_map_ref: 'env-1' }, 'config_map_ref'],
    [{ config_map_ref: ['jobferry-credentials'] }, 'config_map_ref[0]'],
    [{ steps: { name: 'a' } }, 'steps'],
    [{ steps: [] }, 'steps'],
    [{ steps: [{ name: 'Stage' }] }, 'steps[0].name'],
    [{ steps: [{ name: 'a', memory: 'lots' }] }, 'steps[0].memory'],
    [{ steps: [{ name: 'a', stdout: '../a' }] }, 'steps[0].stdout'],
    [{ outputs: [] }, 'outputs'],
    [{ outputs: { includes: ['a'] } }, 'outputs.includes'],
    [{ outputs: { include: '*.csv' } }, 'outputs.include'],
    [{ outputs: { include: [] } }, 'outputs.include'],
    [{ outputs: { exclude: Array.from({ length: 51 }, () => 'a') } }, 'outputs.exclude'],
    [{ outputs: { exclude: ['a', ''] } }, 'outputs.exclude[1]'],
    [{ outputs: { exclude: [7] } }, 'outputs.exclude[0]'],
    [{ outputs: { exclude: ['!a'] } }, 'outputs.exclude[0]'],
    [{ outputs: { exclude: ['#a'] } }, 'outputs.exclude[0]'],
    [{ outputs: { required: ['../a'] } }, 'outputs.required[0]'],
    [{ outputs: { required: ['/'] } }, 'outputs.required[0]'],
    [{ outputs: { required: ['a//b'] } }, 'outputs.required[0]'],
    [{ outputs: { required: ['a\\'] } }, 'outputs.required[0]'],
    [{ outputs: { required: ['a\n'] } }, 'outputs.required[0]'],
    [{ outputs: { required: ['a'.repeat(257)] } }, 'outputs.required[0]'],
    [{ outputs: { when: 'never' } }, 'outputs.when'],
    [{ outputs: { when: 'failure', required: ['a'] } }, 'outputs'],
    [{ outputs: { include: dollars, exclude: dollars, required: dollars } }, 'outputs'],
    [{ inputs: {} }, 'inputs'],
    [{ inputs: ['a'] }, 'inputs[0]'],
    [{ inputs: [{ content: 'x' }] }, 'inputs[0].to'],
    [{ inputs: [{ to: 'a' }] }, 'inputs[0].from'],
    [{ inputs: [{ from: 'ftp://a/b' }] }, 'inputs[0].from'],
    [{ inputs: [{ from: 'https://a/b', optional: 'yes' }] }, 'inputs[0].optional'],
    [{ inputs: [{ content: 'x', to: 'a', sha256: '0'.repeat(64) }] }, 'inputs[0].sha256'],
    [{ inputs: [{ from: 'https://a/b.rar', unpack: 'rar' }] }, 'inputs[0].unpack'],
    [{ inputs: [{ from: 'https://a/...tar', unpack: 'tar' }] }, 'inputs[0].to'],
    [{ inputs: [{ content: 'x', to: 'a', unpack: 'tar' }] }, 'inputs[0].unpack'],
    [{ inputs: [{ from: 's3://bucket/a' }] }, 'inputs[0].secret'],
    [{ inputs: [{ from: 's3://bucket/a/../b', secret: 'x' }] }, 'inputs[0].from'],
    [{ inputs: [{ from: 's3://b/a', secret: 'x' }] }, 'inputs[0].from'],
    [{ inputs: [{ from: 's3://bucket/', secret: 'x' }] }, 'inputs[0].to'],
    [{ inputs: [{ from: 's3://bucket/a/', secret: 'x', unpack: 'tar' }] }, 'inputs[0].unpack'],
    [{ inputs: [{ from: 's3://bucket/a/', secret: 'x', sha256: '0'.repeat(64) }] }, 'inputs[0].sha256'],
    [{ inputs: [{ from: 'https://a/b', secret: '../x' }] }, 'inputs[0].secret'],
    [{ inputs: [{ content: 'x', to: 'a', secret: 'x' }] }, 'inputs[0].secret'],
    [{ inputs: [{ from: 'job:11111111/a' }] }, 'inputs[0].from'],
    [{ inputs: [{ from: 'job:11111111-2222-8333-8444-555555555555' }] }, 'inputs[0].from'],
    [{ inputs: [{ from: 'job:11111111-2222-8333-8444-555555555555/../a' }] }, 'inputs[0].from'],
    [{ inputs: [{ from: 'job:11111111-2222-8333-8444-555555555555/' }] }, 'inputs[0].to'],
    [{ inputs: [{ from: 'job:11111111-2222-8333-8444-555555555555/a', secret: 'x' }] }, 'inputs[0].secret'],
    [{ input_timeout_seconds: 0 }, 'input_timeout_seconds'],
    [{ inputs: [{ content: 'x', to: '../a' }] }, 'inputs[0].to'],
    [{ inputs: [{ content: 'x', to: '/etc/passwd' }] }, 'inputs[0].to'],
    [{ inputs: [{ content: 7, to: 'a' }] }, 'inputs[0].content'],
    [{ inputs: [{ content: 'x', to: 'a', mode: 1 }] }, 'inputs[0].mode'],
    [{ inputs: Array.from({ length: 101 }, (_, n) => ({ content: '', to: `${n}` })) }, 'inputs'],
    [{ cpu: '1 core' }, 'cpu'],
    [{ cpu: '-1' }, 'cpu'],
    [{ cpu: '0' }, 'cpu'],
    [{ memory: '1GB' }, 'memory'],
    [{ memory: Number.NaN }, 'memory'],
    [{ gpu: -1 }, 'gpu'],
    [{ gpu: 1.5 }, 'gpu'],
    [{ gpu: '1' }, 'gpu'],
    [{ result_directory: '/' }, 'result_directory'],
    [{ result_directory: 'output' }, 'result_directory'],
    [{ result_directory: '/a/../b' }, 'result_directory'],
    [{ result_directory: '/a//b' }, 'result_directory'],
    [{ result_directory: '/a:b' }, 'result_directory'],
    [{ result_directory: '/a\n' }, 'result_directory'],
    [{ result_directory: '/$(HOME)' }, 'result_directory'],
    [{ result_storage: '' }, 'result_storage'],
    [{ result_storage_class: 'Fast' }, 'result_storage_class'],
    [{ volumes: {} }, 'volumes'],
    [{ volumes: [{}] }, 'volumes[0].claim'],
    [{ volumes: [{ claim: 'a', mount_path: 'b' }] }, 'volumes[0].mount_path'],
    [{ volumes: [{ claim: 'A', mount_path: '/b' }] }, 'volumes[0].claim'],
    [{ volumes: [{ claim: 'a', mount_path: '/b', read_only: 'yes' }] }, 'volumes[0].read_only'],
    [{ volumes: [{ claim: 'a', mount_path: '/b', sub: 1 }] }, 'volumes[0].sub'],
    [{ image_pull_secret: 'a/b' }, 'image_pull_secret'],
    [{ image_pull_policy: 'always' }, 'image_pull_policy'],
    [{ node_selector: { 'a/b/c': 'x' } }, 'node_selector.a/b/c'],
    [{ node_selector: { a: '-x' } }, 'node_selector.a'],
    [{ affinity: [] }, 'affinity'],
    [{ affinity: { nodeAffinty: {} } }, 'affinity.nodeAffinty'],
    [{ affinity: { nodeAffinity: { [required]: { nodeSelectorTerms: [] } } } }, ofNodes],
    [nodes({ ...isSsd, key: 'a b' }), `${ofNodes}[0].matchExpressions[0].key`],
    [nodes({ ...isSsd, operator: 'Is' }), `${ofNodes}[0].matchExpressions[0].operator`],
    [nodes({ ...isSsd, values: [] }), `${ofNodes}[0].matchExpressions[0].values`],
    [nodes({ ...isSsd, operator: 'Exists' }), `${ofNodes}[0].matchExpressions[0].values`],
    [nodes({ ...isSsd, operator: 'Gt' }), `${ofNodes}[0].matchExpressions[0].values`],
    [{ affinity: { podAffinity: { [required]: [{}] } } }, `affinity.podAffinity.${required}[0].topologyKey`],
    [
      { affinity: { podAffinity: { [preferred]: [{ weight: 0, podAffinityTerm: besides }] } } },
      `affinity.podAffinity.${preferred}[0].weight`,
    ],
    [nodes({ ...isSsd, values: Array.from({ length: 2000 }, (_, n) => `value-${n}`) }), 'affinity'],
    [{ annotations: [] }, 'annotations'],
    [{ annotations: { 'a b': '' } }, 'annotations.a b'],
    [{ annotations: { a: 1 } }, 'annotations.a'],
    [{ annotations: { 'jobferry.dev/stop': '{}' } }, 'annotations.jobferry.dev/stop'],
    [{ annotations: { 'batch.kubernetes.io/job-tracking': '' } }, 'annotations.batch.kubernetes.io/job-tracking'],
    [{ annotations: { a: 'x'.repeat(16_384) } }, 'annotations'],
    [{ annotations: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`a${n}`, ''])) }, 'annotations'],
    [{ runtime_class: 'Kata' }, 'runtime_class'],
    [{ cpu_request: 'few' }, 'cpu_request'],
    [{ memory_request: '0' }, 'memory_request'],
    [{ ephemeral_storage: 'lots' }, 'ephemeral_storage'],
    [{ shared_memory: -1 }, 'shared_memory'],
    [{ extended_resources: { fpga: 1 } }, 'extended_resources.fpga'],
    [{ extended_resources: { 'a.kubernetes.io/b': 1 } }, 'extended_resources.a.kubernetes.io/b'],
    [{ extended_resources: { 'nvidia.com/gpu': 1 } }, 'extended_resources.nvidia.com/gpu'],
    [{ extended_resources: { 'a.io/b': '1' } }, 'extended_resources.a.io/b'],
    [{ extended_resources: { 'a.io/b': 1.5 } }, 'extended_resources.a.io/b'],
    [{ extended_resources: ['a.io/b'] }, 'extended_resources'],
    [{ steps: [{ name: 'a', extended_resources: { cpu: 1 } }] }, 'steps[0].extended_resources.cpu'],
    [{ tolerations: [{}] }, 'tolerations[0]'],
    [{ tolerations: [{ key: 'a', operator: 'Exists', value: 'b' }] }, 'tolerations[0]'],
    [{ tolerations: [{ key: 'a', tolerationSeconds: 1 }] }, 'tolerations[0]'],
    [{ tolerations: [{ key: 'a', effect: 'No' }] }, 'tolerations[0].effect'],
    [{ priority_class: 'High' }, 'priority_class'],
    [{ name: ' ' }, 'name'],
    [{ name: 'a\tb' }, 'name'],
    [{ name: 'é'.repeat(101) }, 'name'],
    [{ name: 7 }, 'name'],
    [{ labels: { 'jobferry.dev/job': 'x' } }, 'labels.jobferry.dev/job'],
    [{ labels: { 'app.kubernetes.io/managed-by': 'me' } }, 'labels.app.kubernetes.io/managed-by'],
    [{ labels: { 'job-name': 'x' } }, 'labels.job-name'],
    [{ labels: { a: 'x'.repeat(64) } }, 'labels.a'],
    [{ service_account: 'a_b' }, 'service_account'],
    [{ run_as_user: -1 }, 'run_as_user'],
    [{ run_as_user: 2 ** 31 }, 'run_as_user'],
    [{ result_layout: 'heap' }, 'result_layout'],
    [{ retries: 101 }, 'retries'],
    [{ depends_on: [{ job_uuid: 'a' }] }, 'depends_on[0].job_uuid'],
    [{ start_timeout_seconds: 0 }, 'start_timeout_seconds'],
    [{ timeout_seconds: 0 }, 'timeout_seconds'],
    [{ stop_grace_seconds: 0 }, 'stop_grace_seconds'],
    [{ heartbeat_seconds: 4 }, 'heartbeat_seconds'],
    [{ heartbeat_seconds: '60' }, 'heartbeat_seconds'],
    [{ heartbeat_seconds: 60.5 }, 'heartbeat_seconds'],
    [{ upload_timeout_seconds: null }, 'upload_timeout_seconds'],
    [{ upload_while_running: 'yes' }, 'upload_while_running'],
    [{ keep_seconds: -1 }, 'keep_seconds'],
    [{ result_keep_seconds: 1e99 }, 'result_keep_seconds'],
    [{ callback: '' }, 'callback'],
    [{ callback: 7 }, 'callback'],
    [{ callback: 'receiver.example/hook' }, 'callback'],
    [{ callback: 'ftp://receiver.example/hook' }, 'callback'],
    [{ callback: 'https://' }, 'callback'],
    [{ callback: 'https://receiver.example:port/' }, 'callback'],
    [{ callback: `https://receiver.example/${'x'.repeat(2048)}` }, 'callback'],
    [{ callback: ['https://receiver.example/'] }, 'callback'],
    [{ callback_events: [] }, 'callback_events'],
    [{ callback_events: 'finished' }, 'callback_events'],
    [{ callback_events: ['job.finshed'] }, 'callback_events[0]'],
    [{ callback_events: [null] }, 'callback_events[0]'],
    [{ callback_events: {} }, 'callback_events'],
    [{ demo_file: 'a' }, 'demo_file'],
    [{ imagee: 'a' }, 'imagee'],
    [{ 'x\0y': 'a' }, 'x\\0y'],
  ]
  const titled = cases.map(([request, field]) => ({
    request,
    field,
    title: JSON.stringify(request).slice(0, 80),
  }))
  test('of each field a wrong value is among them', () => {
    const named = new Set(cases.map(([, field]) => /^\w+/.exec(field)?.[0]))
    expect(Object.keys(requestFields).filter((field) => !named.has(field))).toEqual([])
  })
  test.each(titled)('$title', ({ request, field }) => {
    expect(fieldsOf(() => parseRequest(request))).toContain(field)
  })
})

describe('a configured job', () => {
  test('is a request with a name and possibly a demo_file', () => {
    const job = { command: ['make'], demo_file: 'plots/a.png' }
    expect(parseConfiguredJob(job, 'plots')).toEqual({ ...job, job: 'plots' })
  })

  test.each<[job: unknown, name: string, field: string]>([
    [{ job: 'default' }, 'a', 'job'],
    [{}, 'Not A Name', 'job'],
    [{ demo_file: '../etc/passwd' }, 'a', 'demo_file'],
    [{ demo_file: '/etc/passwd' }, 'a', 'demo_file'],
    [{ gpu: null }, 'a', 'gpu'],
    [null, 'a', 'request'],
  ])('%j named %s is refused', (job, name, field) => {
    expect(fieldsOf(() => parseConfiguredJob(job, name))).toContain(field)
  })
})
