import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KubeConfig } from '@kubernetes/client-node'
import { onTestFinished } from 'vitest'
import { type Api, createApi } from '../../../src/backends/kubernetes/api/api.ts'
import { createClient } from '../../../src/backends/kubernetes/api/client.ts'

/**
 * The API of a server that answers each request with `answer(url, method)` as JSON, until the test
 * ends; a Status has its `code` as the answer's.
 */
export async function answeringApi(answer: (url: URL, method: string) => object): Promise<Api> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://server')
    const given: { kind?: string; code?: number } = answer(url, request.method ?? '')
    response.statusCode = given.kind === 'Status' ? (given.code ?? 200) : 200
    response.end(JSON.stringify(given))
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
