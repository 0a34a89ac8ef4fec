import { expect, it } from 'vitest'
import { mergeRequest } from '../../../src/job/request/request-merge.ts'
import { parseRequest } from '../../../src/job/request/request-schema.ts'
import { fieldsOf } from '../request/fields-of.ts'

it.each<[request: object, refused: string[]]>([
  [{}, ['command']],
  [{ command: ['true'] }, []],
  [{ command: ['true'], steps: [{ name: 'a' }, { name: 'b', command: [] }] }, ['steps[1].command']],
  [{ steps: [{ name: 'a' }] }, ['steps[0].command']],
  [{ command: ['true'], env: { JOBFERRY_DIRECTORY: '/own' } }, ['env.JOBFERRY_DIRECTORY']],
])('hold_after_failure_seconds with %j: %j', (fields, refused) => {
  const request = { image: 'a', hold_after_failure_seconds: 60, ...fields }
  expect(fieldsOf(() => mergeRequest({ request: parseRequest(request) }))).toEqual(refused)
})
