import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deployJob, getJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { eventually } from '../../support/time/eventually.ts'

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({ name: 'outputs', environment: { JANITOR_INTERVAL_SECONDS: '5' } })
})
afterAll(() => api?.close())

const script =
  'cd $RESULT_DIRECTORY && echo 1 >a.csv && mkdir tmp && echo 2 >tmp/b && head -c 20000000 /dev/zero >tmp/large'

describe('outputs of a request on a cluster', () => {
  it.each(['files', 'packed'])('leave out what is excluded, in the bucket too (%s)', async (layout) => {
    const outputs = { include: ['*.csv', '/tmp/'], exclude: ['large'], required: ['/a.csv'] }
    const uuid = await deployJob(api.url, { ...busybox(script), result_layout: layout, outputs })
    expect(await waitForFinal(api.url, uuid, 120)).toMatchObject({
      state: 'succeeded',
      result: { state: 'complete', count: 3, bytes: 4 },
    })
    expect(await pathsOf(uuid)).toEqual(['a.csv', 'tmp', 'tmp/b'])
    const sizes = (await objectsOf(`jobs/${uuid}/`)).map(({ size = 0 }) => size)
    expect(Math.max(...sizes)).toBeLessThan(1_000_000)
  })

  it('fail a job that lacks a required one, and keep the rest', async () => {
    const uuid = await deployJob(api.url, {
      ...busybox(script),
      outputs: { required: ['*.csv', 'report.$(HOME).pdf'] },
    })
    const job = await waitForFinal(api.url, uuid, 120)
    expect(job).toMatchObject({
      state: 'failed',
      reason: 'OutputMissing',
      exit_code: 0,
      result: { state: 'partial', count: 4 },
    })
    // Kubernetes would have replaced the variable's name.
    expect(job.message).toContain('"report.$(HOME).pdf"')
  })

  it('with an unmet `when` leave no result, and nothing of it in the bucket after a search of the janitor', {
    timeout: 400_000,
  }, async () => {
    const uuid = await deployJob(api.url, { ...busybox(`${script} && exit 3`), outputs: { when: 'success' } })
    const job = await waitForFinal(api.url, uuid, 120)
    expect(job).toMatchObject({ state: 'failed', reason: 'Error', result: { state: 'missing' } })
    expect(job.message).toContain('`outputs.when` is "success"')
    await eventually(
      async () => {
        const names = (await objectsOf(`jobs/${uuid}/`)).map(({ name = '' }) => name)
        expect(names.filter((name) => /\/files\/|manifest/.test(name))).toEqual([])
      },
      { within: 300_000, every: 3000 },
    )
  })
})

async function pathsOf(uuid: string): Promise<unknown> {
  const { files } = await getJson<{ files: { path: string }[] }>(`${api.url}/job/${uuid}/result/list`)
  return files.map(({ path }) => path)
}

async function objectsOf(prefix: string) {
  return await api.client.listObjects(api.bucket, prefix, true).toArray()
}
