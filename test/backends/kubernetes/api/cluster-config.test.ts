import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HttpMethod, RequestContext } from '@kubernetes/client-node'
import { expect, it } from 'vitest'
import { clusterConfig } from '../../../../src/backends/kubernetes/api/cluster-config.ts'
import { temporaryFolder } from '../../../support/files/temporary-folder.ts'

const url = 'https://cluster.example.org:6443'

it('a cluster elsewhere is its address, its authority and a token', async () => {
  const config = clusterConfig({ url, token: 'abc', ca: 'PEM', verify: true })
  expect(config.getCurrentCluster()).toMatchObject({
    server: url,
    caData: Buffer.from('PEM').toString('base64'),
    skipTLSVerify: false,
  })
  expect(await authorization(config)).toBe('Bearer abc')
})

it('a token in a file is read without its last line break, and goes before the token', async () => {
  const tokenFile = join(temporaryFolder(), 'token')
  writeFileSync(tokenFile, 'def\n')
  expect(await authorization(clusterConfig({ url, token: 'abc', tokenFile, verify: true }))).toBe(
    'Bearer def',
  )
})

it('without verification no certificate is checked', () => {
  expect(clusterConfig({ url, token: 'abc', verify: false }).getCurrentCluster()).toMatchObject({
    skipTLSVerify: true,
  })
})

async function authorization(config: ReturnType<typeof clusterConfig>) {
  const context = new RequestContext(url, HttpMethod.GET)
  await config.applySecurityAuthentication(context)
  return context.getHeaders().Authorization
}
