import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KubeConfig } from '@kubernetes/client-node'
import { onTestFinished } from 'vitest'
import { type Api, createApi } from '../../src/kubernetes/api.ts'
import { createClient } from '../../src/kubernetes/client.ts'

/** The API of a server that answers every request with what `answer` gives for its address; it ends with the test. */
export async function answeringApi(answer: (url: URL) => object): Promise<Api> {
  const server = createServer((request, response) => {
    response.end(JSON.stringify(answer(new URL(request.url ?? '', 'http://server'))))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const config = new KubeConfig()
  config.loadFromClusterAndUser(
    { name: 'test', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'test', token: 'token' },
  )
  const client = createClient(config)
  onTestFinished(async () => {
    await client.close()
    server.closeAllConnections()
    server.close()
  })
  return createApi(client, 'jobs')
}
