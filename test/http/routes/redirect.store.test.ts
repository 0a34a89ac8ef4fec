import { createHash } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { temporaryBucket, testStore } from '../../support/store/bucket.ts'
import { call } from '../client.ts'
import { startApi } from '../running.ts'
import { untilFinal } from '../until-final.ts'

const job = `command: ["/bin/sh", "-c", "printf '<b>12345' >\\"$RESULT_DIRECTORY/ü & 1.html\\""]`

it("redirects a client to the store's bytes, also for a range, with the same file name", async () => {
  const bucket = await temporaryBucket()
  onTestFinished(() => bucket.remove())
  const { endpoint, accessKey, secretKey } = testStore()
  const { url, close } = await startApi(
    { default: job },
    { S3_ENDPOINT: endpoint, S3_BUCKET: bucket.name, S3_ACCESS_KEY: accessKey, S3_SECRET_KEY: secretKey },
  )
  onTestFinished(close)
  const { job_uuid } = (await call(url, { path: '/job/deploy' })).json() as { job_uuid: string }
  expect(await untilFinal(url, job_uuid)).toMatchObject({ state: 'succeeded' })

  const file = `${url}/job/${job_uuid}/result?file=%C3%BC+%26+1.html&redirect=true`
  const sent = await fetch(file, { redirect: 'manual' })
  expect([sent.status, new URL(sent.headers.get('location') ?? '').origin]).toEqual([307, endpoint])
  const whole = await fetch(file)
  const bytes = Buffer.from(await whole.arrayBuffer())
  const digest = createHash('sha256').update(bytes).digest('base64')
  expect(bytes.toString()).toBe('<b>12345')
  expect(sent.headers.get('repr-digest')).toBe(`sha-256=:${digest}:`)
  expect(Object.fromEntries(whole.headers)).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'content-disposition': `attachment; filename="? & 1.html"; filename*=UTF-8''%C3%BC%20%26%201.html`,
  })
  const part = await fetch(file, { headers: { range: 'bytes=3-4' } })
  expect([part.status, await part.text()]).toEqual([206, '12'])
  const head = await fetch(file, { method: 'HEAD' })
  expect([head.status, head.redirected, head.headers.get('content-length')]).toEqual([200, true, '8'])
})
