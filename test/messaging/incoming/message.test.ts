import { expect, it, test } from 'vitest'
import { jobUuid } from '../../../src/job/job-uuid.ts'
import { jobIn, readIncoming, rerunIn } from '../../../src/messaging/incoming/message.ts'

const type = 'application/cloudevents+json'
const event = { specversion: '1.0', id: 'run-1', source: '/gateway', type: 'dev.jobferry.deploy', data: {} }

function read(given: object, contentType: unknown) {
  return readIncoming(Buffer.from(JSON.stringify({ ...event, ...given })), contentType)
}

test.each([
  [{ specversion: '0.3' }, type, 'specversion: is not allowed; expected the text 1.0'],
  [{ specversion: undefined }, type, 'specversion: is not allowed; expected the text 1.0'],
  [{ id: '' }, type, 'id: is not allowed; expected 1 to 255 visible ASCII characters other than ","'],
  [{ id: 'a,b' }, type, 'id: is not allowed; expected 1 to 255 visible ASCII characters other than ","'],
  [{ id: 7 }, type, 'id: is a number; expected text of 1 to 255 visible ASCII characters other than ","'],
  [{ source: undefined }, type, 'source: is missing; expected a URI'],
  [{ type: 'dev.jobferry.run' }, type, 'type: is not allowed; expected one of dev.jobferry.deploy'],
  [{ datacontenttype: 'text/plain' }, type, 'datacontenttype: is not allowed; expected application/json'],
  [{ data: undefined }, type, 'data: is missing; expected a JSON object'],
  [{ data: [] }, type, 'data: is not allowed; expected a JSON object'],
  [{}, 'application/json', 'content_type: is not allowed; expected application/cloudevents+json'],
  [{}, undefined, 'content_type: is not allowed; expected application/cloudevents+json'],
])('refuses %j of the type %s: %s', (given, contentType, message) => {
  expect(() => read(given, contentType)).toThrow(message)
})

it('refuses a message that is no JSON object, or larger than 1 MiB', () => {
  expect(() => readIncoming(Buffer.from('{"id":'), type)).toThrow('body: is not JSON')
  expect(() => readIncoming(Buffer.from('[]'), type)).toThrow('body: is not allowed; expected a JSON object')
  expect(() => readIncoming(Buffer.alloc(1024 * 1024 + 1, ' '), type)).toThrow('body: is too large')
})

it('takes extensions and a charset', () => {
  expect(read({ traceparent: '00-1' }, `${type}; charset=utf-8`)).toMatchObject({ id: 'run-1' })
})

it('keeps numbers and booleans of environments as they are written, and no others', () => {
  const data =
    '{"env": {"VERSION": 1.10, "ON": true}, "retries": 2, "steps": [{"env": {"ID": 12345678901234567890}}]}'
  const text = JSON.stringify(event).replace('"data":{}', `"data":${data}`)
  expect(readIncoming(Buffer.from(text), type).data).toEqual({
    env: { VERSION: '1.10', ON: 'true' },
    retries: 2,
    steps: [{ env: { ID: '12345678901234567890' } }],
  })
})

it("keeps them so in a rerun's overrides", () => {
  const data =
    '{"message_id": "run-0", "overrides": {"env": {"VERSION": 1.10}, "steps": [{"env": {"ON": true}}]}}'
  const text = JSON.stringify({ ...event, type: 'dev.jobferry.rerun' }).replace('"data":{}', `"data":${data}`)
  expect(readIncoming(Buffer.from(text), type).data).toMatchObject({
    overrides: { env: { VERSION: '1.10' }, steps: [{ env: { ON: 'true' } }] },
  })
})

it('finds a job by its uuid, or by the id of the message that made it', () => {
  const uuid = jobUuid('local', 'run-1')
  expect(jobIn({ job_uuid: uuid }, 'local')).toBe(uuid)
  expect(jobIn({ message_id: 'run-1' }, 'local')).toBe(uuid)
  expect(rerunIn({ message_id: 'run-1', overrides: { retries: 1 } }, 'local')).toEqual({
    uuid,
    overrides: { retries: 1 },
  })
})

test.each([
  [{}, 'data: names no job; expected job_uuid or message_id'],
  [{ job_uuid: jobUuid('a', 'b'), message_id: 'b' }, 'data: has both job_uuid and message_id'],
  [{ job_uuid: 'x' }, "data.job_uuid: is not allowed; expected a job's uuid in lower case"],
  [{ job: 'x' }, 'data.job: is unknown'],
])('refuses the job %j: %s', (data, message) => {
  expect(() => jobIn(data, 'local')).toThrow(message)
})
