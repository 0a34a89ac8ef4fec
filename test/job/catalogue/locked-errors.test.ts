import { describe, expect, it } from 'vitest'
import { lockedErrors } from '../../../src/job/catalogue/locked-errors.ts'

const fieldsOf = (locked: string[], given: Record<string, unknown>, envFile = false) =>
  lockedErrors(locked, { given, envFile }).map(({ field }) => field)

describe('a locked field', () => {
  it('is named where the caller gives it, in each step as well', () => {
    const steps = [
      { name: 'a', image: 'x' },
      { name: 'b', command: ['y'], env: { A: '1' } },
    ]
    expect(fieldsOf(['image', 'retries'], { image: 'x', cpu: '1', steps })).toEqual([
      'image',
      'steps[0].image',
    ])
    expect(fieldsOf(['steps'], { steps })).toEqual(['steps'])
    expect(fieldsOf([], { image: 'x', steps })).toEqual([])
  })

  it('`env` is every way to set a variable, and no empty one', () => {
    const steps = [{ name: 'b', env: { A: '1' } }]
    const given = { env: { A: '1' }, config_map_ref: ['env-a'], env_from: [{ secret: 'a' }], steps }
    expect(fieldsOf(['env'], given, true)).toEqual([
      ...['env', 'config_map_ref', 'env_from', 'env_file', 'steps[0].env'],
    ])
    expect(fieldsOf(['env'], { env: {}, parameters: { a: 1 } })).toEqual([])
  })

  it('says what would be right', () => {
    expect(lockedErrors(['cpu'], { given: { steps: [{ cpu: '1' }] }, envFile: false })).toEqual([
      {
        field: 'steps[0].cpu',
        problem: 'is locked by the configured job (cpu)',
        expected: 'no steps[0].cpu',
      },
    ])
  })
})
