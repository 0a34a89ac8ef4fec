import { expect, it } from 'vitest'
import { refuseOthersFields } from '../../../src/http/input/left-to-callers.ts'
import { type PartialRequest, parseConfiguredJob } from '../../../src/job/request/request-schema.ts'
import { Problem } from '../../../src/util/errors.ts'

const parameters = {
  caption: { type: 'string', pattern: '[a-z]*', env: 'CAPTION' },
  size: { type: 'integer', env: 'SIZE', default: 1 },
  name: { type: 'string', env: 'NAME', required: true },
}
const job = parseConfiguredJob({ image: 'a', config_map_ref: ['env-own'], parameters }, 'weather')

it.each<[string, PartialRequest, string[]]>([
  ['config_map_ref', { config_map_ref: ['env-a'] }, ['config_map_ref']],
  ['env_from', { env_from: [{ config_map: 'a' }] }, ['env_from']],
  ['both', { config_map_ref: ['env-a'], env_from: [{ secret: 'a' }] }, ['config_map_ref', 'env_from']],
  ['none, or an empty one', { config_map_ref: [] }, []],
  ['one beside its value', { parameters: { caption: 'x' }, config_map_ref: ['env-a'] }, []],
])('a parameter without a value allows no environment past it: %s', (_, request, fields) => {
  expect(refused(request)).toEqual(fields)
})

function refused(request: PartialRequest): string[] {
  try {
    refuseOthersFields({ request }, job)
    return []
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    for (const { problem, expected } of error.errors) {
      expect(problem).toBe('could set CAPTION past the parameter caption')
      expect(expected).toContain('parameters.caption')
    }
    return error.errors.map(({ field }) => field)
  }
}
