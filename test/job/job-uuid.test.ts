import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { isJobUuid, jobUuid } from '../../src/job/job-uuid.ts'
import type { JobRequest } from '../../src/job/request/request.ts'
import { requestHash } from '../../src/job/request/request-hash.ts'
import { mergeRequest } from '../../src/job/request/request-merge.ts'

test('the same key in the same namespace gives the same uuid, of version 8', () => {
  // printf 'ns\0k' | sha256sum begins 95927f81cb9236c56a28453ff63e65f4
  expect(jobUuid('ns', 'k')).toBe('95927f81-cb92-86c5-aa28-453ff63e65f4')
})

test('namespace and key are kept apart', () => {
  expect(jobUuid('a', 'bc')).not.toBe(jobUuid('ab', 'c'))
})

test('without a key every uuid is different', () => {
  const uuids = [jobUuid('ns'), jobUuid('ns')]
  expect(new Set(uuids).size).toBe(2)
  expect(uuids.every(isJobUuid)).toBe(true)
})

test.each([
  '',
  'x',
  '95927F81-CB92-86C5-AA28-453FF63E65F4',
  '95927f81cb9286c5aa28453ff63e65f4',
  `${jobUuid('a')}\n`,
])('%j is not a job uuid', (text) => {
  expect(isJobUuid(text)).toBe(false)
})

const request = mergeRequest({ request: { image: 'a', env: { A: '1', B: '2' }, args: ['x', 'y'] } })
const inputs = [
  { name: 'a', sha256: '01' },
  { name: 'b', sha256: '02' },
]

test('a request has one hash for any order of its fields and inputs', () => {
  const reversed: JobRequest = JSON.parse(
    JSON.stringify(Object.fromEntries(Object.entries(request).reverse())),
  )
  reversed.env = { B: '2', A: '1' }
  expect(requestHash(reversed, [...inputs].reverse())).toBe(requestHash(request, inputs))
  expect(requestHash(request, inputs)).toMatch(/^[0-9a-f]{64}$/)
})

test('a request with the default layout has its hash of version 0.1, which had no layouts', () => {
  const { result_layout: _, ...stored } = request
  const canonical = JSON.stringify({ inputs, request: Object.fromEntries(Object.entries(stored).sort()) })
  expect(requestHash(request, inputs)).toBe(createHash('sha256').update(canonical).digest('hex'))
})

test('different requests have different hashes', () => {
  const others = [
    requestHash({ ...request, gpu: 1 }, inputs),
    requestHash({ ...request, args: ['y', 'x'] }, inputs),
    requestHash({ ...request, env: { A: '1' } }, inputs),
    requestHash({ ...request, result_layout: 'files' }, inputs),
    requestHash(request, inputs.slice(1)),
    requestHash(request, [{ name: 'a', sha256: '03' }, ...inputs.slice(1)]),
    requestHash(request, inputs),
  ]
  expect(new Set(others).size).toBe(others.length)
})
