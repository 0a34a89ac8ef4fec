import { describe, expect, test } from 'vitest'
import { mergeRequest } from '../../../src/job/request/request-merge.ts'
import { parseConfiguredJob, parseRequest } from '../../../src/job/request/request-schema.ts'

const configured = parseConfiguredJob(
  { image: 'a:1', gpu: 1, args: ['x', 'y'], env: { A: '1', B: '1' }, labels: { a: 'b' }, retries: 3 },
  'train',
)

test('an image alone gets every default', () => {
  expect(mergeRequest({ request: { image: 'busybox' } })).toEqual({
    image: 'busybox',
    job_env: {},
    env: {},
    config_map_ref: [],
    result_directory: '/output',
    result_layout: 'auto',
    volumes: [],
    node_selector: {},
    tolerations: [],
    labels: {},
    retries: 0,
    start_timeout_seconds: 3600,
    stop_grace_seconds: 30,
    upload_timeout_seconds: 3600,
    upload_while_running: true,
    keep_seconds: 3600,
  })
})

test('later sources override earlier ones: configured job, config_data, request', () => {
  const configData = { image: 'b:1', gpu: 2 }
  const merged = mergeRequest({ configured, configData, request: { gpu: 4 } })
  expect(merged).toMatchObject({ job: 'train', image: 'b:1', gpu: 4, args: ['x', 'y'], retries: 3 })
})

test('lists and objects other than the environment are replaced', () => {
  const merged = mergeRequest({ configured, request: { args: [], labels: { c: 'd' } } })
  expect(merged).toMatchObject({ args: [], labels: { c: 'd' } })
})

test("the configured job's environment stays apart from the caller's: config_map_ref comes between them", () => {
  const merged = mergeRequest({ configured, envFile: { B: '2', C: '2' }, request: { env: { C: '3' } } })
  expect(merged.job_env).toEqual({ A: '1', B: '1' })
  expect(merged.env).toEqual({ B: '2', C: '3' })
})

test.each([
  ['image', 'an image, or the name of a configured job as "job"'],
  ['command', 'the program to run, as a list, or the name of a configured job as "job"'],
  ['job', 'the name of a configured job'],
] as const)('without a configured job %s is required', (program, expected) => {
  const errors = [{ field: program, problem: 'is missing', expected }]
  expect(() => mergeRequest({ request: { cpu: '1' } }, program)).toThrow(expect.objectContaining({ errors }))
})

test('a command is enough on a backend without images', () => {
  expect(mergeRequest({ request: { command: ['true'] } }, 'command')).toMatchObject({ command: ['true'] })
})

describe('conflicting fields are named', () => {
  const volume = (...paths: string[]) => ({
    volumes: paths.map((path, index) => ({ claim: `claim-${index}`, mount_path: path })),
  })
  test.each<[request: object, field: string]>([
    [{ image: undefined }, 'image'],
    [{ result_storage_class: 'fast' }, 'result_storage'],
    [{ result_directory: '/input' }, 'result_directory'],
    [{ result_directory: '/input/results' }, 'result_directory'],
    [{ result_directory: '/proc/x' }, 'result_directory'],
    [volume('/input'), 'volumes[0].mount_path'],
    [volume('/output'), 'volumes[0].mount_path'],
    [volume('/output/maps'), 'volumes[0].mount_path'],
    [volume('/maps', '/maps'), 'volumes[1].mount_path'],
    [
      { env: Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`V${n}`, 'x'.repeat(110_000)])) },
      'env',
    ],
  ])('case %#', (request, field) => {
    const given = 'image' in request ? {} : { image: 'busybox', ...request }
    expect(() => mergeRequest({ request: parseRequest(given) })).toThrow(
      expect.objectContaining({ errors: [expect.objectContaining({ field })] }),
    )
  })

  test('a result directory below a volume is allowed', () => {
    const request = parseRequest({ image: 'a', result_directory: '/data/out', ...volume('/data') })
    expect(mergeRequest({ request }).result_directory).toBe('/data/out')
  })
})
