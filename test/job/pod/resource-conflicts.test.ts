import { expect, it } from 'vitest'
import { parsePolicy } from '../../../src/job/policy/policy.ts'
import { mergeRequest } from '../../../src/job/request/request-merge.ts'
import { parseRequest } from '../../../src/job/request/request-schema.ts'
import { createAdmission } from '../../../src/lifecycle/deploy/admission.ts'
import { fieldsOf } from '../request/fields-of.ts'

const refused = (request: object) =>
  fieldsOf(() => mergeRequest({ request: parseRequest({ image: 'a', ...request }) }))

it.each<[request: object, refused: string[]]>([
  [{ cpu: '1', cpu_request: '1000m' }, []],
  [{ cpu_request: '8', memory_request: '8Gi' }, []],
  [
    { cpu: '1', cpu_request: '1001m', memory: '1Gi', memory_request: '2Gi' },
    ['cpu_request', 'memory_request'],
  ],
  [{ cpu: '1', cpu_request: '2', steps: [{ name: 'a' }, { name: 'b' }] }, ['cpu_request']],
  [{ cpu: '1', steps: [{ name: 'a' }, { name: 'b', cpu_request: '2' }] }, ['steps[1].cpu_request']],
  // A step with a limit of its own does not take the request beside `steps`.
  [{ cpu: '4', cpu_request: '2', steps: [{ name: 'a', cpu: '1' }] }, []],
  [{ memory: '1Gi', shared_memory: '1Gi' }, []],
  [{ shared_memory: '64Gi' }, []],
  [{ memory: '1Gi', shared_memory: '2Gi' }, ['shared_memory']],
  [{ memory: '1Gi', shared_memory: '2Gi', steps: [{ name: 'a' }, { name: 'b', memory: '2Gi' }] }, []],
])('%j may ask for no more than its limits: %j', (request, fields) => {
  expect(refused(request)).toEqual(fields)
})

it('of a cluster without a policy is judged as far as Secrets go, embedded not', async () => {
  const environments = { foreign: async () => [] } as never
  const request = {
    image: 'a',
    env_from: [{ secret: 'database' }],
    tolerations: [{ operator: 'Exists' as const }],
  }
  const admit = (podSecurity: 'baseline' | undefined) =>
    createAdmission({ policy: undefined, podSecurity, backend: { environments } }).admit({ request })
  await expect(admit('baseline')).rejects.toMatchObject({ code: 'forbidden' })
  await expect(admit(undefined)).resolves.toMatchObject({ request: { env_from: [{ secret: 'database' }] } })
})

it('is refused a request above the limit that the operator gives by default', async () => {
  const environments = { foreign: async () => [] } as never
  const policy = parsePolicy({ default: { cpu: '1' } })
  const { admit } = createAdmission({ policy, podSecurity: 'baseline', backend: { environments } })
  const request = { image: 'a', cpu_request: '2' }
  await expect(admit({ request })).rejects.toThrow(/cpu_request: is more than `cpu`; expected at most 1/)
  await expect(admit({ request: { ...request, cpu: '2' } })).resolves.toMatchObject({ request: { cpu: '2' } })
})
