import { expect, test } from 'vitest'
import { requestHash } from '../../../src/job/request/request-hash.ts'
import { mergeRequest, type RequestParts } from '../../../src/job/request/request-merge.ts'
import { parseConfiguredJob, parseRequest } from '../../../src/job/request/request-schema.ts'

/*
 * The hashes of version 0.1. Live Jobs carry them in an annotation: with another hash, a repeated
 * request with its Idempotency-Key would be refused as a different request.
 */

const everyField: RequestParts = {
  configured: parseConfiguredJob({ args: ['x'], env: { A: '1' }, demo_file: 'a/b' }, 'train'),
  configData: { image: 'registry.example/worker:1' },
  envFile: { B: '2' },
  request: parseRequest({
    command: ['run'],
    env: { C: '3' },
    config_map_ref: ['env-1'],
    cpu: 2,
    memory: '4Gi',
    gpu: 1,
    result_directory: '/out/',
    result_storage: '10Gi',
    result_storage_class: 'fast',
    result_layout: 'packed',
    volumes: [{ claim: 'maps', mount_path: '/maps' }],
    image_pull_secret: 'pull',
    image_pull_policy: 'Always',
    node_selector: { zone: 'a' },
    tolerations: [{ key: 'gpu', operator: 'Exists', effect: 'NoSchedule' }],
    priority_class: 'high',
    labels: { team: 'a' },
    service_account: 'worker',
    run_as_user: 1000,
    retries: 2,
    start_timeout_seconds: 60,
    timeout_seconds: 120,
    stop_grace_seconds: 5,
    upload_timeout_seconds: 600,
    upload_while_running: false,
    keep_seconds: 0,
    result_keep_seconds: 86_400,
    callback: 'https://consumer.example/',
    callback_events: ['job.running'],
  }),
}

test.each<[hash: string, parts: RequestParts]>([
  ['3bb3f2145a097fbd51c557e98946b8fc2508a248185acc930a991fb5d8e8989e', { request: { image: 'busybox' } }],
  ['228570c148482b9b49967ea8412fe342bbd593230bd4ea3b73fdb2d82d6ebd3e', everyField],
])('the hash %s of a request stays as version 0.1 computed it', (hash, parts) => {
  expect(requestHash(mergeRequest(parts), [{ name: 'drive.bag', sha256: '01' }])).toBe(hash)
})

test('the uploads that a request names are its caller’s, so that the same words of another caller mean others', () => {
  const request = mergeRequest({ request: { image: 'busybox', inputs: [{ from: 'upload:a' }] } })
  const hashes = ['alice', 'bob', null].map((caller) => requestHash(request, [], { caller }))
  expect(new Set(hashes).size).toBe(3)
  const without = mergeRequest({ request: { image: 'busybox' } })
  expect(requestHash(without, [], { caller: 'alice' })).toBe(requestHash(without, []))
})
