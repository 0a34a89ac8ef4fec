import { describe, expect, it } from 'vitest'
import { choose, type Facts } from './choose.ts'
import { parseExports } from './own-cluster.ts'

const settings = { KUBECONFIG: '/k', S3_ENDPOINT: 'http://s', S3_ACCESS_KEY: 'a', S3_SECRET_KEY: 's' }

function where(facts: Partial<Facts>) {
  return choose({ environment: {}, canBringUp: true, dockerCanPull: async () => true, ...facts })
}

describe('where the tests take cluster and store from', () => {
  it('is the environment if it names both, and Docker gets no call', async () => {
    const dockerCanPull = () => Promise.reject(new Error('asked'))
    expect(await where({ environment: settings, dockerCanPull })).toEqual({ kind: 'given' })
  })

  it('is nowhere if a cluster is named without a store: the choice guesses no store', async () => {
    const found = await where({ environment: { KUBECONFIG: '/k', S3_ENDPOINT: 'http://s' } })
    expect(found).toEqual({ kind: 'none', why: 'KUBECONFIG is set, S3_ACCESS_KEY, S3_SECRET_KEY not' })
  })

  it('is Docker if it can pull', async () => {
    expect(await where({})).toEqual({ kind: 'containers' })
  })

  it('is test/cluster if Docker can’t pull and the user is root on Linux with Go', async () => {
    expect(await where({ dockerCanPull: async () => false })).toEqual({ kind: 'own' })
  })

  it('is nowhere without any of these, and the reason names the missing parts', async () => {
    const found = await where({ canBringUp: false, dockerCanPull: async () => false })
    expect(found).toMatchObject({ kind: 'none', why: expect.stringContaining('root on Linux with Go') })
  })
})

it('reads the settings that test/cluster prints, with its programs first in the PATH', () => {
  expect(parseExports('export KUBECONFIG=/k\nexport PATH=/bin/new:$PATH\n', { PATH: '/usr/bin' })).toEqual({
    KUBECONFIG: '/k',
    PATH: '/bin/new:/usr/bin',
  })
})
