import { describe, expect, it } from 'vitest'
import { parseDeployQuery } from '../../../src/job/request/deploy-query.ts'
import { mergeRequest } from '../../../src/job/request/request-merge.ts'
import {
  type ConfiguredJob,
  parseConfiguredJob,
  parseRequest,
} from '../../../src/job/request/request-schema.ts'
import { parseRequestYaml } from '../../../src/job/request/request-yaml.ts'
import { type FieldError, Problem } from '../../../src/util/errors.ts'

const weather = `
command: [forecast, run]
args: [--days, "{days}", "--region={region}", "{ days }", "$(x)"]
env: {REGION: none, KEEP: "yes"}
parameters:
  days: {type: integer, minimum: 1, maximum: 14, default: 3}
  region: {type: string, enum: [north, south], required: true}
  title: {type: string, pattern: "[A-Z][a-z ]*", env: TITLE}
  factor: {type: number, env: FACTOR, default: 1.50}
  quick: {type: boolean, env: QUICK}
  env: {type: integer, default: 7, env: REGION}
`

describe('the parameters of a configured job', () => {
  it('are put into arguments, each still one argument, and into variables', () => {
    const merged = mergeRequest({
      configured: jobOf(weather),
      request: parseRequest({ parameters: { region: 'south', title: 'Rain and sun', quick: true } }),
    })
    expect(merged.args).toEqual(['--days', '3', '--region=south', '{ days }', '$(x)'])
    expect(merged.env).toEqual({ TITLE: 'Rain and sun', FACTOR: '1.5', QUICK: 'true', REGION: '7' })
    expect(merged.job_env).toEqual({ REGION: 'none', KEEP: 'yes' })
    expect(merged.parameters).toEqual({
      ...{ days: 3, region: 'south', title: 'Rain and sun', factor: 1.5, quick: true, env: 7 },
    })
    expect(merged).not.toHaveProperty('locked')
    expect(merged).not.toHaveProperty('title')
  })

  it('take a text as the value that it means, since a query has nothing else', () => {
    const request = parseDeployQuery([
      ['job', 'weather'],
      ['parameters.days', '14'],
      ['parameters.region', 'north'],
      ['parameters.factor', '-2.5e3'],
      ['parameters.quick', 'false'],
    ])
    expect(mergeRequest({ configured: jobOf(weather), request }).parameters).toEqual({
      ...{ days: 14, region: 'north', factor: -2500, quick: false, env: 7 },
    })
  })

  it('name each wrong value, all at once, with what would be right', () => {
    const parameters = { day: 4, days: 15, title: 'rain', factor: 'much', quick: 'perhaps', env: 1.5 }
    expect(errorsOf(() => mergeRequest({ configured: jobOf(weather), request: { parameters } }))).toEqual([
      {
        field: 'parameters.day',
        problem: 'is unknown',
        expected: 'days (one of days, region, title, factor, quick, env)',
      },
      { field: 'parameters.days', problem: 'is out of range', expected: 'a whole number from 1 to 14' },
      { field: 'parameters.region', problem: 'is missing', expected: 'one of "north", "south"' },
      {
        field: 'parameters.title',
        problem: 'does not match the pattern',
        expected: 'a text of at most 256 characters that matches [A-Z][a-z ]* as a whole',
      },
      { field: 'parameters.factor', problem: 'is a text, not a number', expected: 'a number' },
      { field: 'parameters.quick', problem: 'is a text, not true or false', expected: 'true or false' },
      { field: 'parameters.env', problem: 'is not a whole number', expected: 'a whole number' },
    ])
  })

  it('are refused where the job declares none, and without a configured job', () => {
    const request = { parameters: { days: 3 } }
    expect(errorsOf(() => mergeRequest({ configured: jobOf('command: [x]'), request }))).toEqual([
      {
        field: 'parameters.days',
        problem: 'is unknown',
        expected: 'no parameters: the configured job has none',
      },
    ])
    expect(errorsOf(() => mergeRequest({ request: { image: 'x', ...request } }))).toMatchObject([
      { field: 'parameters' },
    ])
  })

  it('leave the requests of other jobs as they were', () => {
    const merged = mergeRequest({ configured: jobOf('title: A job\ncommand: [x]\nargs: ["{days}"]') })
    expect(merged.args).toEqual(['{days}'])
    expect(merged).not.toHaveProperty('parameters')
  })

  it('are compared with the slowest pattern in a moment', () => {
    const job = jobOf('command: [x]\nparameters: {a: {type: string, pattern: "a?a?a?.*.*.*b", env: A}}')
    const began = process.cpuUsage()
    const parameters = { a: 'a'.repeat(256) }
    expect(errorsOf(() => mergeRequest({ configured: job, request: { parameters } }))).toMatchObject([
      { field: 'parameters.a', problem: 'does not match the pattern' },
    ])
    // Of a processor: the clock goes on while others have it.
    expect(process.cpuUsage(began).user).toBeLessThan(5_000_000)
    const longer = { parameters: { a: 'a'.repeat(257) } }
    expect(errorsOf(() => mergeRequest({ configured: job, request: longer }))).toMatchObject([
      { field: 'parameters.a', problem: 'is too long' },
    ])
  })
})

describe('a faulty declaration is named', () => {
  it.each([
    ['an unknown type', 'a: {type: text, env: A}', 'parameters.a.type'],
    ['no type', 'a: {env: A}', 'parameters.a.type'],
    ['an unknown word', 'a: {type: string, env: A, maxLength: 3}', 'parameters.a.maxLength'],
    ['a name with a dot', 'a.b: {type: string, env: A}', 'parameters.a.b'],
    ['a default of another type', 'a: {type: string, env: A, default: 1.10}', 'parameters.a.default'],
    ['a default out of range', 'a: {type: integer, env: A, default: 0, minimum: 1}', 'parameters.a.default'],
    ['a choice of another type', 'a: {type: integer, env: A, enum: [1, "2"]}', 'parameters.a.enum[1]'],
    ['bounds of a text', 'a: {type: string, env: A, minimum: 1}', 'parameters.a.minimum'],
    ['bounds that exclude all', 'a: {type: number, env: A, minimum: 2, maximum: 1}', 'parameters.a.maximum'],
    ['a broken pattern', 'a: {type: string, env: A, pattern: "["}', 'parameters.a.pattern'],
    [
      'a pattern that could take for ever',
      'a: {type: string, env: A, pattern: "(x+)+y"}',
      'parameters.a.pattern',
    ],
    ['many repetitions', 'a: {type: string, env: A, pattern: "a*a*a{0,9}[*]a+"}', 'parameters.a.pattern'],
    ['a backreference', 'a: {type: string, env: A, pattern: "(a|b)\\\\1"}', 'parameters.a.pattern'],
    ['a lookahead', 'a: {type: string, env: A, pattern: "(?=a)a"}', 'parameters.a.pattern'],
    ['a pattern of numbers', 'a: {type: integer, env: A, pattern: "1"}', 'parameters.a.pattern'],
    [
      'a default that no request uses',
      'a: {type: string, env: A, default: x, required: true}',
      'parameters.a.default',
    ],
    ['a variable of Jobferry', 'a: {type: string, env: RESULT_DIRECTORY}', 'parameters.a.env'],
    ['a variable of two', 'a: {type: string, env: A}\n  b: {type: string, env: A}', 'parameters.b.env'],
    ['one that is used nowhere', 'a: {type: string}', 'parameters.a'],
    ['an argument without a value', 'x: {type: string}', 'parameters.x'],
  ])('%s', (_, declared, field) => {
    const errors = errorsOf(() => jobOf(`command: [x]\nargs: ["{x}"]\nparameters:\n  ${declared}\n`))
    expect(errors.map((error) => error.field)).toEqual([field])
    expect(errors[0]?.expected).not.toBe('')
  })

  it.each([
    ['within a script', '[sh, -c]', '["run {x}"]', 'args[0]'],
    ['as a script', '[/bin/sh, -euc]', '["{x}"]', 'args[0]'],
    ['as a script of a later flag', '[node]', '[--input-type=module, --eval, "{x}"]', 'args[2]'],
    ['behind several flags', '[bash, -e, -c]', '["{x}"]', 'args[0]'],
    ['behind a flag with a value', '[sh, -o, errexit]', '[-c, "{x}"]', 'args[1]'],
    ['behind flags between', '[bash, -ce, -o, pipefail]', '[-u, --, "{x}"]', 'args[2]'],
    ['behind `env`', '[env, A=1, sh, -c]', '["{x}"]', 'args[0]'],
    ['of a program that a script starts', '[sh, run.sh]', '[python3, -Ic, "{x}"]', 'args[2]'],
    ['of the second `-e`', '[perl, -e, "1;"]', '[-0777ne, "{x}"]', 'args[1]'],
    ['of node', '[node, -e]', '["{x}"]', 'args[0]'],
    ['as an option that is code', '[node]', '["--eval={x}"]', 'args[0]'],
  ])('a placeholder %s', (_, command, args, field) => {
    const job = `command: ${command}\nargs: ${args}\nparameters: {x: {type: string, required: true, env: X}}`
    expect(errorsOf(() => jobOf(job)).map((error) => error.field)).toEqual([field])
  })

  it.each([
    ['behind the script', '[bash, -e, -c]', '[\'run "$@"\', --, "{x}"]'],
    ['as an option behind it', '[sh, -c]', '[\'run "$@"\', --, -c, "{x}"]'],
    ["as an option of a script's file", '[python3, train.py]', '[-c, "{x}"]'],
    ['as an option of another program', '[forecast]', '[-c, "{x}"]'],
  ])('but no placeholder %s', (_, command, args) => {
    const job = `command: ${command}\nargs: ${args}\nparameters: {x: {type: string, required: true}}`
    expect(jobOf(job)).toMatchObject({ job: 'weather' })
  })

  it('a locked field that does not exist, with the nearest', () => {
    expect(errorsOf(() => jobOf('command: [x]\nlocked: [imag, parameters]'))).toMatchObject([
      { field: 'locked[0]', expected: expect.stringMatching(/^image \(/) },
      { field: 'locked[1]', problem: 'are what callers give' },
    ])
  })
})

function jobOf(yaml: string): ConfiguredJob {
  return parseConfiguredJob(parseRequestYaml(Buffer.from(yaml)), 'weather')
}

function errorsOf(call: () => unknown): readonly FieldError[] {
  try {
    call()
  } catch (error) {
    if (error instanceof Problem) return error.errors
    throw error
  }
  throw new Error('it was not refused')
}
