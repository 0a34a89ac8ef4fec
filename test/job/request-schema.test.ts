import { describe, expect, test } from 'vitest'
import { Problem } from '../../src/errors.ts'
import { parseConfiguredJob, parseRequest } from '../../src/job/request-schema.ts'

function fieldsOf(check: () => unknown): string[] {
  try {
    check()
  } catch (error) {
    if (error instanceof Problem && error.code === 'invalid-request') return error.errors.map((e) => e.field)
    throw error
  }
  return []
}

describe('a request is taken as it is', () => {
  test.each([
    [{}],
    [{ job: 'default', image: 'registry.example:5000/team/worker:1.2@sha256:'.concat('a'.repeat(64)) }],
    [{ image: 'busybox', command: ['sh', '-c', 'echo $(date)'], args: [] }],
    [{ env: { FOO: '', _x1: 'a\nb "c"' }, config_map_ref: ['env-4f2a'] }],
    [{ cpu: '500m', memory: '1.5Gi', gpu: 0, result_storage: '2e3', result_storage_class: '' }],
    [{ node_selector: { 'kubernetes.io/arch': 'arm64' }, labels: { team: '', 'example.com/a_b': 'X.y' } }],
    [{ tolerations: [{ operator: 'Exists' }, { key: 'gpu', value: 'yes', effect: 'NoSchedule' }] }],
    [{ tolerations: [{ key: 'k', effect: 'NoExecute', tolerationSeconds: 30 }] }],
    [{ run_as_user: 0, retries: 2, keep_seconds: 0, timeout_seconds: 1, stop_grace_seconds: 1 }],
  ])('%j', (request) => {
    expect(parseRequest(request)).toEqual(request)
  })
})

test('numbers may stand for quantities, a slash at the end of a path is dropped, read_only is false', () => {
  const request = { cpu: 2, result_directory: '/out/', volumes: [{ claim: 'maps', mount_path: '/maps' }] }
  expect(parseRequest(request)).toEqual({
    cpu: '2',
    result_directory: '/out',
    volumes: [{ claim: 'maps', mount_path: '/maps', read_only: false }],
  })
})

describe('what Kubernetes or the kernel would refuse is named', () => {
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
    [{ config_map_ref: 'env-1' }, 'config_map_ref'],
    [{ config_map_ref: ['jobferry-credentials'] }, 'config_map_ref[0]'],
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
    [{ tolerations: [{}] }, 'tolerations[0]'],
    [{ tolerations: [{ key: 'a', operator: 'Exists', value: 'b' }] }, 'tolerations[0]'],
    [{ tolerations: [{ key: 'a', tolerationSeconds: 1 }] }, 'tolerations[0]'],
    [{ tolerations: [{ key: 'a', effect: 'No' }] }, 'tolerations[0].effect'],
    [{ priority_class: 'High' }, 'priority_class'],
    [{ labels: { 'jobferry.dev/job': 'x' } }, 'labels.jobferry.dev/job'],
    [{ labels: { 'app.kubernetes.io/managed-by': 'me' } }, 'labels.app.kubernetes.io/managed-by'],
    [{ labels: { 'job-name': 'x' } }, 'labels.job-name'],
    [{ labels: { a: 'x'.repeat(64) } }, 'labels.a'],
    [{ service_account: 'a_b' }, 'service_account'],
    [{ run_as_user: -1 }, 'run_as_user'],
    [{ run_as_user: 2 ** 31 }, 'run_as_user'],
    [{ result_layout: 'heap' }, 'result_layout'],
    [{ retries: 101 }, 'retries'],
    [{ start_timeout_seconds: 0 }, 'start_timeout_seconds'],
    [{ timeout_seconds: 0 }, 'timeout_seconds'],
    [{ stop_grace_seconds: 0 }, 'stop_grace_seconds'],
    [{ upload_timeout_seconds: null }, 'upload_timeout_seconds'],
    [{ upload_while_running: 'yes' }, 'upload_while_running'],
    [{ keep_seconds: -1 }, 'keep_seconds'],
    [{ result_keep_seconds: 1e99 }, 'result_keep_seconds'],
    [{ demo_file: 'a' }, 'demo_file'],
    [{ imagee: 'a' }, 'imagee'],
    [{ 'x\0y': 'a' }, 'x\\0y'],
  ]
  const titled = cases.map(([request, field]) => ({
    request,
    field,
    title: JSON.stringify(request).slice(0, 80),
  }))
  test.each(titled)('$title', ({ request, field }) => {
    expect(fieldsOf(() => parseRequest(request))).toContain(field)
  })
})

test('every wrong field is named, not only the first', () => {
  const request = { gpu: -1, retries: -1, env: { A: 1, B: 2 } }
  expect(fieldsOf(() => parseRequest(request)).sort()).toEqual(['env.A', 'env.B', 'gpu', 'retries'])
})

test('a request of endless depth is refused without exhausting the stack', () => {
  const deep: unknown = JSON.parse(`${'[['.repeat(100_000)}${']]'.repeat(100_000)}`)
  expect(fieldsOf(() => parseRequest({ args: deep }))).toHaveLength(1)
})

test('of a name that is very long only the beginning is repeated', () => {
  const [field] = fieldsOf(() => parseRequest({ ['x'.repeat(100_000)]: 1 }))
  expect(field).toBe('x'.repeat(100))
})

test('the value of a variable is never repeated', () => {
  expect(() => parseRequest({ env: { 'NOT OK': 's3cret', A: 's3cret\0' } })).not.toThrow('s3cret')
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
