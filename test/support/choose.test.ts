import { describe, expect, it } from 'vitest'
import { choose, type Facts } from './choose.ts'
import { parseExports } from './own-cluster.ts'

const settings = { KUBECONFIG: '/k', S3_ENDPOINT: 'http://s', S3_ACCESS_KEY: 'a', S3_SECRET_KEY: 's' }

function where(facts: Partial<Facts>) {
  return choose({ environment: {}, canBringUp: true, dockerCanPull: async () => true, ...facts })
}

describe('where the tests take cluster and store from', () => {
  it('is the environment when it names both, and Docker is not even asked', async () => {
    const dockerCanPull = () => Promise.reject(new Error('asked'))
    expect(await where({ environment: settings, dockerCanPull })).toEqual({ kind: 'given' })
  })

  it('is nowhere when a cluster is named without a store: nobody else’s is guessed', async () => {
    const found = await where({ environment: { KUBECONFIG: '/k', S3_ENDPOINT: 'http://s' } })
    expect(found).toEqual({ kind: 'none', why: 'KUBECONFIG is set, S3_ACCESS_KEY, S3_SECRET_KEY not' })
  })

  it('is Docker where it can pull', async () => {
    expect(await where({})).toEqual({ kind: 'containers' })
  })

  it('is test/cluster where Docker can’t pull and this is root on Linux with Go', async () => {
    expect(await where({ dockerCanPull: async () => false })).toEqual({ kind: 'own' })
  })

  it('is nowhere without any of these, and says what is missing', async () => {
    const found = await where({ canBringUp: false, dockerCanPull: async () => false })
    expect(found).toMatchObject({ kind: 'none', why: expect.stringContaining('root on Linux with Go') })
  })
})

it('reads the settings that test/cluster prints, its programs before those of the PATH', () => {
  expect(parseExports('export KUBECONFIG=/k\nexport PATH=/bin/new:$PATH\n', { PATH: '/usr/bin' })).toEqual({
    KUBECONFIG: '/k',
    PATH: '/bin/new:/usr/bin',
  })
})
