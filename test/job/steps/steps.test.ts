import { describe, expect, it } from 'vitest'
import { judge } from '../../../src/job/policy/judge.ts'
import { parsePolicy } from '../../../src/job/policy/policy.ts'
import { requestHash } from '../../../src/job/request/request-hash.ts'
import { mergeRequest } from '../../../src/job/request/request-merge.ts'
import { parseConfiguredJob, parseRequest } from '../../../src/job/request/request-schema.ts'
import { stepsOf } from '../../../src/job/steps/effective-steps.ts'
import type { FieldError, Problem } from '../../../src/util/errors.ts'

const step = { name: 'a', image: 'tool:1' }

function errorsOf(action: () => unknown): readonly FieldError[] {
  try {
    action()
    return []
  } catch (error) {
    return (error as Problem).errors ?? []
  }
}

const fieldsOf = (action: () => unknown) => errorsOf(action).map(({ field }) => field)

describe('the field steps', () => {
  it.each<[string, unknown, string]>([
    ['no list', { name: 'a' }, 'steps'],
    ['an empty list', [], 'steps'],
    ['21 steps', Array.from({ length: 21 }, (_, n) => ({ name: `s${n}` })), 'steps'],
    ['a step without a name', [{ image: 'tool:1' }], 'steps[0].name'],
    ['a name in upper case', [{ ...step, name: 'Stage' }], 'steps[0].name'],
    ['a name of 41 characters', [{ ...step, name: 'x'.repeat(41) }], 'steps[0].name'],
    ['a name of a path', [{ ...step, name: '../a' }], 'steps[0].name'],
    ['a name twice', [step, { ...step, name: 'b' }, step], 'steps[2].name'],
    ['an unknown field', [{ ...step, images: 'x' }], 'steps[0].images'],
    ['a wrong image', [{ ...step, image: 'UPPER CASE' }], 'steps[0].image'],
    ['an empty command', [{ ...step, command: [''] }], 'steps[0].command'],
    ['a reserved variable', [{ ...step, env: { INPUT_DIRECTORY: '/' } }], 'steps[0].env.INPUT_DIRECTORY'],
    ['a number as a variable', [{ ...step, env: { A: {} } }], 'steps[0].env.A'],
    ['too much memory', [{ ...step, memory: 'lots' }], 'steps[0].memory'],
    ['a relative working directory', [{ ...step, working_directory: 'a' }], 'steps[0].working_directory'],
    ['no time at all', [{ ...step, timeout_seconds: 0 }], 'steps[0].timeout_seconds'],
    ['an absolute output', [{ ...step, stdout: '/etc/x' }], 'steps[0].stdout'],
    ['an output above the results', [{ ...step, stderr: '../x' }], 'steps[0].stderr'],
    ['a word for a flag', [{ ...step, ignore_error: 'yes' }], 'steps[0].ignore_error'],
    ['a field of the whole job', [{ ...step, retries: 1 }], 'steps[0].retries'],
  ])('refuses %s', (_, steps, field) => {
    expect(fieldsOf(() => parseRequest({ image: 'x', steps }))).toContain(field)
  })

  it('names for a second step of a name the first one', () => {
    const [error] = errorsOf(() => parseRequest({ steps: [step, step] }))
    expect(error).toMatchObject({ field: 'steps[1].name', expected: 'another name than that of steps[0]' })
  })

  it('needs an image of each step, its own or that beside steps', () => {
    const steps = [step, { name: 'b' }]
    expect(fieldsOf(() => mergeRequest({ request: { steps } }))).toEqual(['steps[1].image'])
    expect(mergeRequest({ request: { steps, image: 'x' } })).toMatchObject({ steps })
    expect(mergeRequest({ request: { steps: [step] } })).toMatchObject({ steps: [step] })
  })

  it('needs a command where the image’s own program is not known but has to be called', () => {
    const steps = [
      { ...step, stdout: 'out', ignore_error: true },
      { ...step, name: 'b', stdout: 'out', command: ['x'] },
    ]
    const errors = errorsOf(() => mergeRequest({ request: { steps } }))
    expect(errors).toEqual([
      expect.objectContaining({
        field: 'steps[0].command',
        expected: expect.stringContaining('stdout, ignore_error'),
      }),
    ])
    expect(fieldsOf(() => mergeRequest({ request: { steps, command: ['y'] } }))).toEqual([])
  })

  it('takes no file for two streams of a step', () => {
    const steps = [{ ...step, command: ['x'], stdin: 'a', stdout: 'a', stderr: 'a' }]
    expect(fieldsOf(() => mergeRequest({ request: { steps } }))).toEqual([
      'steps[0].stdout',
      'steps[0].stderr',
    ])
  })

  it('reserves /scratch, which other jobs may use', () => {
    const request = { image: 'x', result_directory: '/scratch/out' }
    expect(fieldsOf(() => mergeRequest({ request }))).toEqual([])
    expect(fieldsOf(() => mergeRequest({ request: { ...request, steps: [step] } }))).toEqual([
      'result_directory',
    ])
  })

  it('counts the variables of all steps', () => {
    const env = { A: 'x'.repeat(120_000) }
    const steps = Array.from({ length: 9 }, (_, n) => ({ ...step, name: `s${n}`, env }))
    expect(fieldsOf(() => mergeRequest({ request: { steps } }))).toEqual(['env'])
  })

  it('replaces the steps of a configured job as a whole', () => {
    const configured = parseConfiguredJob({ image: 'x', steps: [step, { ...step, name: 'b' }] }, 'default')
    expect(mergeRequest({ configured }).steps).toHaveLength(2)
    const steps = [{ name: 'c', args: ['1'] }]
    expect(mergeRequest({ configured, request: { steps } }).steps).toEqual(steps)
  })

  it('changes a request’s hash, which stays as it was without steps', () => {
    const plain = mergeRequest({ request: { image: 'x' } })
    const hashes = [plain, { ...plain, steps: [step] }].map((request) => requestHash(request, []))
    expect(new Set(hashes).size).toBe(2)
    expect(hashes[0]).toBe(requestHash({ ...plain }, []))
  })
})

describe('a step as it runs', () => {
  it('has the fields beside it, its own first', () => {
    const steps = [{ name: 'a', cpu: '2' }]
    const request = { steps, image: 'x', command: ['run'], args: ['1'], cpu: '1', memory: '1Gi', gpu: 1 }
    const { steps: _, ...beside } = request
    expect(stepsOf(request)).toEqual([{ ...beside, name: 'a', cpu: '2', env: {}, ignore_error: false }])
    expect(stepsOf({ image: 'x' })).toEqual([])
  })

  it('takes no arguments that belong to another command', () => {
    const [own] = stepsOf({ command: ['run'], args: ['1'], steps: [{ name: 'a', command: ['other'] }] })
    expect(own).not.toHaveProperty('args')
  })
})

describe("an operator's policy", () => {
  const context = {
    podSecurity: 'baseline' as const,
    selectors: { complete: true, list: [], knownNames: [] },
  }
  const policy = parsePolicy({ images: ['registry.example/*'], maximum: { cpu: '2', gpu: 0 } })
  const inside = 'registry.example/tool:1'
  const steps = [
    { name: 'a', image: inside, cpu: '2' },
    { name: 'b', image: 'evil/tool', cpu: '3', gpu: 1 },
  ]
  const judged = (given: object, configured?: object) =>
    judge(
      {
        given: parseRequest(given),
        configured: configured && parseConfiguredJob(configured, 'default'),
      },
      policy,
      context,
    ).map(({ field }) => field)

  it('judges the image and the resources of each step', () => {
    expect(judged({ steps })).toEqual(['steps[1].image', 'steps[1].cpu', 'steps[1].gpu'])
  })

  it('lets pass what the configured job itself has', () => {
    expect(judged({ steps }, { image: inside, steps })).toEqual([])
    expect(judged({}, { steps })).toEqual([])
  })

  it('lets nobody bring steps of his own to a configured job that goes beyond it', () => {
    const strict = parsePolicy({ service_accounts: 'none' })
    const configured = parseConfiguredJob({ image: 'x', service_account: 'strong' }, 'default')
    const given = parseRequest({ steps: [{ name: 'a', image: 'evil/tool' }] })
    expect(judge({ given, configured }, strict, context).map(({ field }) => field)).toEqual(['steps'])
  })
})
