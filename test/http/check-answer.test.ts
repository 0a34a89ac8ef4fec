import { expect, test } from 'vitest'
import { checkAnswer, checkEvent } from './check-answer.ts'
import type { Answer } from './client.ts'

const uuid = '95927f81-cb92-86c5-aa28-453ff63e65f4'
const links = { self: '/', log: '/', result_list: '/', result: '/', cancel: '/' }
const deployed = { status: 'job deployed', job_uuid: uuid, links }

test('an answer that matches its schema passes', () => {
  expect(() => checkAnswer('GET', '/job/deploy?job=a', answer(200, deployed))).not.toThrow()
})

test.each([
  ['an unknown field', 200, { ...deployed, more: 1 }],
  ['a missing field', 200, { ...deployed, links: undefined }],
  ['a status without a schema', 201, deployed],
])('an answer with %s fails the test that sent the call', (_, status, body) => {
  expect(() => checkAnswer('GET', '/job/deploy', answer(status, body))).toThrow('schema')
})

test('a problem and an event are checked against their schemas', () => {
  const problem = { type: 'urn:jobferry:error:internal', title: '', status: 500, detail: '' }
  expect(() => checkAnswer('GET', '/any', answer(500, problem, 'application/problem+json'))).toThrow('errors')
  expect(() => checkEvent('deleted', { job_uuid: uuid })).not.toThrow()
  expect(() => checkEvent('deleted', {})).toThrow('job_uuid')
})

function answer(status: number, value: unknown, type = 'application/json'): Answer {
  const body = Buffer.from(JSON.stringify(value))
  return { status, headers: { 'content-type': type }, body, json: () => JSON.parse(body.toString()) }
}
