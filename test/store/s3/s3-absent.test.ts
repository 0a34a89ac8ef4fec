import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { it, onTestFinished } from 'vitest'
import { createS3Store, staticCredentials } from '../../../src/store/s3/s3.ts'
import { expectKind } from '../conformance/store.conformance.ts'

/** Without permission to list, AWS answers 403 for an absent object, but MinIO answers 404. */
async function storeThatDeniesAbsence() {
  const server = createServer((request, response) => {
    request.resume()
    const [status, code] = request.method === 'POST' ? [404, 'NoSuchUpload'] : [403, 'AccessDenied']
    response.writeHead(status, { 'content-type': 'application/xml' })
    response.end(request.method === 'HEAD' ? '' : `<Error><Code>${code}</Code></Error>`)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const credentials = staticCredentials('key', 'secret')
  const endpoint = `http://127.0.0.1:${port}`
  const store = createS3Store({ endpoint, bucket: 'b', region: 'us-east-1', prefix: '', credentials })
  onTestFinished(async () => {
    await store.close()
    server.close()
  })
  return store
}

it('completing a dropped upload is not-found even if a HEAD of an absent object is denied', async () => {
  const store = await storeThatDeniesAbsence()
  const part = { number: 1, etag: '0'.repeat(32), crc32: 'AAAAAA==', size: 1 }
  const upload = { key: 'jobs/a', id: 'dropped', partSize: 5 * 1024 * 1024 }
  await expectKind(store.completeUpload(upload, [part]), 'not-found')
  await expectKind(store.get('jobs/stop'), 'denied')
})
