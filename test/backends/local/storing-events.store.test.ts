import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { startEmbedded } from '../../support/api/embedded.ts'
import { openEvents, type SentEvent } from '../../support/api/event-stream.ts'
import { getJson, waitForFinal } from '../../support/api/http.ts'
import { temporaryBucket } from '../../support/store/bucket.ts'
import { startFaultProxy } from '../../support/store/fault-proxy.ts'
import { type RunningMinio, startMinio } from '../../support/store/minio.ts'

const count = 24
const bytes = count * 1_000_000
const job = `command: [sh, -c, 'for i in $(seq ${count}); do head -c 1000000 /dev/urandom >"$RESULT_DIRECTORY/$i"; done']
upload_while_running: false
result_layout: files
`

let minio: RunningMinio
beforeAll(async () => {
  minio = await startMinio()
})
afterAll(() => minio.stop())

it('sends the progress and the obstacle of a storing job in its events, to the end', async () => {
  const bucket = await temporaryBucket(minio)
  onTestFinished(() => bucket.remove())
  const proxy = await startFaultProxy(minio.endpoint)
  onTestFinished(() => proxy.close())
  const api = await startEmbedded(
    { many: job },
    {
      ...{ S3_ENDPOINT: proxy.url, S3_BUCKET: bucket.name },
      ...{ S3_ACCESS_KEY: minio.accessKey, S3_SECRET_KEY: minio.secretKey },
    },
  )
  onTestFinished(() => api.remove())
  const { job_uuid } = await getJson<{ job_uuid: string }>(`${api.url}/job/deploy?job=many`)
  const stream = await openEvents(`${api.url}/job/${job_uuid}/events`)
  await proxy.setFault({ kind: 'throttle', bytesPerSecond: 100_000 })

  const isProgress = ({ event, data }: SentEvent) => event === 'progress' && Number(data.files) > 0
  const { data } = (await stream.until((events) => events.some(isProgress), 60_000)).find(isProgress) ?? {}
  expect(data).toMatchObject({ job_uuid, total_files: count, total_bytes: bytes })
  expect(Number(data?.bytes)).toBeLessThan(bytes)
  expect(await getJson(`${api.url}/job/${job_uuid}`)).toMatchObject({
    state: 'storing',
    message: expect.stringContaining(`of ${count} files`),
  })

  await proxy.setFault({ kind: 'refuse' })
  await stream.until((events) => events.some((one) => one.data.reason === 'StoreUnavailable'), 60_000)
  await proxy.setFault({ kind: 'pass' })
  const ended = await waitForFinal(api.url, job_uuid, 120)
  expect(ended).toMatchObject({ state: 'succeeded', result: { state: 'complete', count, bytes } })
  expect(await stream.ended).toBe('ended')
  expect(stream.events.at(-1)).toMatchObject({ event: 'state', data: { state: 'succeeded' } })
})
