import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ResultList } from '../../src/results/list.ts'
import { getJson, postJson, waitForFinal } from '../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../support/api/on-cluster.ts'
import { kubectl } from '../support/cluster/cluster.ts'
import { eventually } from '../support/time/eventually.ts'

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({ name: 'early' })
})
afterAll(() => api.close())

const bytes = 256 * 1024 * 1024

it('a closed file can be read while its worker runs, and is not sent again after the worker’s end', async () => {
  const script = `cd $RESULT_DIRECTORY; dd if=/dev/zero of=large bs=1M count=256 2>/dev/null
    until [ -e /tmp/go ]; do sleep 0.1; done; echo end > late`
  const { body } = await postJson(`${api.url}/job/deploy`, busybox(script))
  const uuid = String(body.job_uuid)
  const job = `${api.url}/job/${uuid}`
  const list = await eventually(
    async () => {
      const soFar = await getJson<ResultList>(`${job}/result/list?so_far=true`)
      expect(soFar.files).toHaveLength(1)
      return soFar
    },
    { within: 90_000, every: 500 },
  )
  const sha256 = createHash('sha256').update(Buffer.alloc(bytes)).digest('hex')
  expect(list).toMatchObject({ state: 'running', result_state: 'provisional', count: 1, bytes })
  expect(list.files).toMatchObject([{ path: 'large', size: bytes, sha256 }])
  expect((await fetch(`${job}/result/list`)).status).toBe(409)
  const range = await fetch(`${job}/result?file=large&so_far=true`, { headers: { range: 'bytes=-3' } })
  expect([range.status, (await range.arrayBuffer()).byteLength]).toEqual([206, 3])

  const key = `jobs/${uuid}/${list.attempt?.uid}/files/large`
  const before = await api.client.statObject(api.bucket, key)
  await kubectl('-n', api.namespace, 'exec', `job/job-${uuid}`, '-c', 'worker', '--', 'touch', '/tmp/go')
  expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({ state: 'succeeded' })
  const final = await getJson<ResultList>(`${job}/result/list?so_far=true`)
  expect(final).toMatchObject({ result_state: 'complete', count: 2, bytes: bytes + 4 })
  expect(final.files[0]).toEqual(list.files[0])
  const after = await api.client.statObject(api.bucket, key)
  expect([after.lastModified, after.etag]).toEqual([before.lastModified, before.etag])
})
