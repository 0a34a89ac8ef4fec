import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { createS3Store, staticCredentials } from '../../../src/store/s3/s3.ts'
import { startMinio } from '../../support/store/minio.ts'

/* A gateway in front of the store answers a HEAD with 404 itself while it has no endpoint. */

it("does not treat a gateway's 404 to a HEAD as the absence of the object", async () => {
  const minio = await startMinio()
  onTestFinished(() => minio.stop())
  const refused = { heads: 1 }
  const gateway = createServer((asked, answer) => {
    if (asked.method === 'HEAD' && refused.heads-- > 0) {
      answer.writeHead(404).end()
      return
    }
    const { hostname, port } = new URL(minio.endpoint)
    const passed = request(
      { hostname, port, path: asked.url, method: asked.method, headers: asked.headers },
      (got) => {
        answer.writeHead(got.statusCode ?? 502, got.headers)
        got.pipe(answer)
      },
    )
    asked.pipe(passed)
  })
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    gateway.closeAllConnections()
    gateway.close()
  })
  const store = createS3Store({
    endpoint: `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`,
    bucket: 'gateway',
    region: 'us-east-1',
    prefix: '',
    credentials: staticCredentials(minio.accessKey, minio.secretKey),
  })
  onTestFinished(() => store.close())
  await store.prepare()
  await store.put('there', Buffer.from('x'))
  refused.heads = 1
  await expect(store.head('there')).rejects.toMatchObject({ kind: 'unavailable' })
  expect(await store.head('there')).toMatchObject({ size: 1 })
  refused.heads = 1
  expect(await store.head('not-there')).toBeUndefined()
})
