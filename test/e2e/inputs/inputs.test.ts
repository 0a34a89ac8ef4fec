import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { removeCa, serve, sourceServer, testCa } from '../../sidecar/inputs/source-server.ts'
import { curl } from '../../support/api/curl.ts'
import { deployJob, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { given } from '../../support/cluster/test-run.ts'

const bytes = randomBytes(3 * 2 ** 20)
let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({
    name: 'inputs',
    environment: { INPUT_CA: testCa(given('NODE_ADDRESS')).pem },
  })
})
afterAll(async () => {
  await api?.close()
  removeCa()
})

it('contents and files of URLs are there before the worker starts, which can not change them', async () => {
  const { url } = await sourceServer(serve(bytes, '"one"', 2 ** 20), false, given('NODE_ADDRESS'))
  const inputs = [{ content: 'a: 1', to: 'settings/a.yaml' }, { from: `${url}/data.bin?signature=secret` }]
  const script = 'cp -r /input/. $RESULT_DIRECTORY/ && if touch /input/new; then exit 1; fi'
  const uuid = await deployJob(api.url, { ...busybox(script), inputs })
  expect(await waitForFinal(api.url, uuid, 90)).toMatchObject({
    state: 'succeeded',
    result: { state: 'complete' },
  })
  expect((await fileOf(uuid, 'settings/a.yaml')).toString()).toBe('a: 1')
  expect((await fileOf(uuid, 'data.bin')).equals(bytes)).toBe(true)
})

it('an input that is not there fails the job, naming it, before the worker starts', async () => {
  const { url } = await sourceServer((_, res) => res.writeHead(404).end(), false, given('NODE_ADDRESS'))
  const uuid = await deployJob(api.url, { ...busybox('exit 0'), inputs: [{ from: `${url}/gone.csv` }] })
  const job = await waitForFinal(api.url, uuid, 90)
  expect(job).toMatchObject({ state: 'failed', reason: 'InputUnavailable', started_at: null })
  expect(job.message).toContain(`${url}/gone.csv: it answered 404`)
})

async function fileOf(uuid: string, path: string): Promise<Buffer> {
  return (await curl(`${api.url}/job/${uuid}/result?file=${encodeURIComponent(path)}`)).body
}
