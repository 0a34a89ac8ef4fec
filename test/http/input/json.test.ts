import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson, parseRequestJson } from '../../../src/http/input/json.ts'
import { parseRequest } from '../../../src/job/request/request-schema.ts'
import { Problem } from '../../../src/util/errors.ts'

const parse = (text: string, field = 'request') => parseRequestJson(Buffer.from(text), field)

describe('a JSON request', () => {
  test('may begin with a byte order mark', () => {
    expect(parseJson(Buffer.from('\uFEFF{"job": "default"}'), 'body')).toEqual({ job: 'default' })
  })

  test('has the numbers and booleans of env as they are written', () => {
    const env =
      '{"A": 1, "B": 1.10, "C": 123456789012345678901234567890, "D": 1E3, "E": true, "F": "x", "G": -0}'
    expect(parse(`{"gpu": 1, "env": ${env}}`)).toEqual({
      gpu: 1,
      env: { A: '1', B: '1.10', C: '123456789012345678901234567890', D: '1E3', E: 'true', F: 'x', G: '-0' },
    })
  })

  test('has them in the env of each step, too', () => {
    const steps = [
      '{"name": "a", "env": {"A": 1.10, "B": "2"}, "command": [{"env": {"A": 9}}]}',
      '7, [{"env": {"A": 8}}]',
      '{"env": {"A": 2e1, "C": null}}',
    ]
    const others = '"env": {"A": 3.0}, "volumes": [{"env": {"A": 5}}]'
    expect(parse(`{"steps": [{"env": {"A": 7.0}}], ${others}, "steps": [${steps.join(', ')}]}`)).toEqual({
      env: { A: '3.0' },
      volumes: [{ env: { A: 5 } }],
      steps: [
        { name: 'a', env: { A: '1.10', B: '2' }, command: [{ env: { A: 9 } }] },
        ...[7, [{ env: { A: 8 } }]],
        { env: { A: '2e1', C: null } },
      ],
    })
    expect(parse('{"steps": {"a": {"env": {"A": 1}}}}')).toEqual({ steps: { a: { env: { A: 1 } } } })
  })

  test('keeps all other values of env for the check', () => {
    expect(parse('{"env": {"A": 1, "B": null, "C": [1], "__proto__": {}}}')).toEqual({
      env: JSON.parse('{"A": "1", "B": null, "C": [1], "__proto__": {}}'),
    })
    expect(parse('{"env": 7}')).toEqual({ env: 7 })
    expect(parse('[]')).toEqual([])
  })

  test('has as written what JSON.parse takes, whatever is written around it', () => {
    const value = fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.string(),
      fc.constant(null),
    )
    const given = fc.record({
      args: fc.jsonValue(),
      env: fc.dictionary(fc.string(), value),
      '\\"env': fc.dictionary(fc.string(), value),
    })
    fc.assert(
      fc.property(given, fc.constantFrom(undefined, 1, '\t'), (request, space) => {
        const env = Object.entries(request.env).map(([name, one]) => [
          name,
          typeof one === 'number' || typeof one === 'boolean' ? JSON.stringify(one) : one,
        ])
        const text = JSON.stringify(request, undefined, space)
        expect(parse(text)).toEqual({ ...JSON.parse(text), env: Object.fromEntries(env) })
      }),
      { numRuns: 300 },
    )
  })

  test('has the last one of names and fields that come twice, also escaped', () => {
    expect(parse('{"env": {"A": 7}, "\\u0065nv": {"A": 1, "B": 2.0, "\\u0041": 3.0, "B": "x"}}')).toEqual({
      env: { A: '3.0', B: 'x' },
    })
  })

  test('of many numbers is read in less time than a function that visits each of them takes', () => {
    const text = `{"args": [${'1,'.repeat(100_000)}1], "env": {"A": 1.0}}`
    const cpuTime = (work: () => unknown) => {
      const before = process.cpuUsage()
      work()
      return process.cpuUsage(before).user
    }
    const least = (work: () => unknown) => Math.min(...[1, 2, 3].map(() => cpuTime(work)))
    const visited = least(() => JSON.parse(text, (_, value) => value))
    expect(least(() => parse(text))).toBeLessThan(visited)
  })

  test.each([
    ['{"job": "default", "env": {"A": 1}, "args": DEEP}', `args${'[0]'.repeat(9)}`],
    ['{"job": "default", "env": {"A": 1, "B": DEEP}}', `env.B${'[0]'.repeat(8)}`],
  ])('that is nested too deeply, as %s, is refused for the field', (text, field) => {
    for (const depth of [10, 2 ** 19]) {
      const deep = text.replace('DEEP', '['.repeat(depth) + ']'.repeat(depth))
      expect(() => parseRequest(parse(deep))).toThrow(
        `${field}: is nested too deeply; expected a simpler value`,
      )
    }
  })

  test('of 2^20 brackets is no JSON, or is nested too deeply', () => {
    expect(() => parse('['.repeat(2 ** 20))).toThrow('request: is not JSON')
    const closed = '['.repeat(2 ** 19) + ']'.repeat(2 ** 19)
    expect(() => parseRequest(parse(closed))).toThrow('is nested too deeply')
  })

  test.each(['{"args": ["a', '{"args": ["a"', '{"args": "{}', '{'])(
    'that ends too early, %s, names what curl does',
    (text) => {
      const [error] = problemOf(text, 'request').errors
      expect(error).toMatchObject({ field: 'request', problem: 'is JSON that ends too early' })
      expect(error?.expected).toContain("--form-string 'request={…}'")
    },
  )

  test.each(['job: default', '{job: default}', '', '"x', '{"a": "}"}}'])(
    'that is no JSON, %s, has no such hint',
    (text) => {
      expect(problemOf(text, 'request').errors).toEqual([
        { field: 'request', problem: expect.stringMatching(/^is not JSON/), expected: 'a JSON object' },
      ])
    },
  )

  test('that is no JSON is named with the place, and never with its text', () => {
    const { detail } = problemOf('{"env": {"KEY": "secret"},}', 'body')
    expect(detail).toBe('body: is not JSON (line 1 column 27); expected a JSON object')
    expect(problemOf('secret', 'body').detail).toBe('body: is not JSON; expected a JSON object')
  })

  test('as a whole body has no hint for forms', () => {
    expect(problemOf('{"a": "b', 'body').detail).not.toContain('curl')
  })

  test('in UTF-16 is called so', () => {
    const problem = problemOf(Buffer.from('\uFEFF{}', 'utf16le'), 'body')
    expect(problem.errors).toEqual([
      { field: 'body', problem: 'is UTF-16', expected: 'a JSON object in UTF-8' },
    ])
  })
})

function problemOf(text: string | Buffer, field: string): Problem & { detail: string } {
  try {
    parseJson(Buffer.from(text), field)
  } catch (error) {
    if (error instanceof Problem) return Object.assign(error, { detail: error.message })
  }
  throw new Error('it was parsed')
}
