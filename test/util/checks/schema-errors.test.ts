import { describe, expect, it, test } from 'vitest'
import { parseDeployQuery } from '../../../src/job/request/deploy-query.ts'
import { parseRequest } from '../../../src/job/request/request-schema.ts'
import { fieldsOf } from '../../job/request/fields-of.ts'

describe('a value of another type is refused for what it is', () => {
  const parse = (request: unknown) => () => parseRequest(request)

  test.each([
    [{ gpu: 'two' }, 'gpu: is text, not a number; expected a whole number from 0 to 1024'],
    [{ gpu: 1.5 }, 'gpu: is not a whole number; expected a whole number from 0 to 1024'],
    [{ gpu: null }, 'gpu: is null; expected a whole number from 0 to 1024'],
    [{ args: [1.5] }, 'args[0]: is a number; expected a string of at most 131071 bytes'],
    [{ upload_while_running: 'no' }, 'upload_while_running: is text, not a boolean; expected true or false'],
    [
      { env: { A: null } },
      'env.A: is null; expected a string of at most 130000 bytes, "" for none, or a number, true or false',
    ],
    [{ env: ['A=1'] }, 'env: is a list; expected an object of names with strings, numbers, true or false'],
  ])('%j', (request, detail) => {
    expect(parse(request)).toThrow(detail)
  })

  test('in a query, where each value is text', () => {
    expect(() => parseDeployQuery([['gpu', 'two']])).toThrow('gpu: is text, not a number; expected a ')
    expect(() => parseDeployQuery([['gpu', '2.5']])).toThrow('gpu: is not a whole number; expected a ')
  })
})

test('every wrong field is named, not only the first', () => {
  const request = { gpu: -1, retries: -1, env: { A: 1, B: 2 } }
  expect(fieldsOf(() => parseRequest(request)).sort()).toEqual(['env.A', 'env.B', 'gpu', 'retries'])
})

test('a very deep request is refused without exhausting the stack', () => {
  const deep: unknown = JSON.parse(`${'[['.repeat(100_000)}${']]'.repeat(100_000)}`)
  expect(fieldsOf(() => parseRequest({ args: deep }))).toHaveLength(1)
})

test('a problem repeats only the beginning of a very long name', () => {
  const [field] = fieldsOf(() => parseRequest({ ['x'.repeat(100_000)]: 1 }))
  expect(field).toBe('x'.repeat(100))
})

test('a problem never repeats the value of a variable', () => {
  expect(() => parseRequest({ env: { 'NOT OK': 's3cret', A: 's3cret\0' } })).not.toThrow('s3cret')
})

describe('a field that is unknown', () => {
  it.each([
    [{ memroy: '1Gi' }, 'memroy', 'memory (one of '],
    [{ volumes: [{ clame: 'data', mount_path: '/data' }] }, 'volumes[0].clame', 'claim (an object of '],
    [{ tolerations: [{ kee: 'gpu', operator: 'Exists' }] }, 'tolerations[0].kee', 'key (an object of '],
    [{ colour: 'red' }, 'colour', 'one of '],
  ])('is named with the nearest name, if one is near: %j', (request, field, expected) => {
    const parse = () => parseRequest(request)
    expect(parse).toThrow(`${field}: is unknown; expected ${expected}`)
  })
})
