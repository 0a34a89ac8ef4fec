import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { deployJob, postJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({ name: 'restart' })
})
afterAll(() => api?.close())

const { image, image_pull_policy } = busybox('')
const step = (name: string, script: string) => ({
  name,
  command: ['sh', '-c', `cd "$RESULT_DIRECTORY" || exit 9; ${script}`],
})
const statesOf = ({ steps = [] }: Job) => steps.map(({ name, state }) => `${name} ${state}`)

it('a job goes on at its failed step in a new pod, on files that any user may change', async () => {
  const uuid = await deployJob(api.url, {
    ...{ image, image_pull_policy, env: { REPAIRED: '' } },
    steps: [
      step(
        'stage',
        'seq 100000 >raw; mkdir -p deep/empty; ln -s ../raw deep/link; chmod 700 deep; chmod 600 raw',
      ),
      step('compute', 'echo more >>deep/link; [ -n "$REPAIRED" ]'),
      step('organize', 'ls /scratch; sha256sum <raw >sum'),
    ],
  })
  expect(statesOf(await waitForFinal(api.url, uuid, 60))).toEqual([
    'stage succeeded',
    'compute failed',
    'organize skipped',
  ])
  // Another user than the one that made the files, as the uploader's would be of an image with its own.
  const changes = { env: { REPAIRED: 'yes' }, run_as_user: 4711 }
  const made = await postJson(`${api.url}/job/${uuid}/rerun?from=failed`, changes)
  expect(made).toMatchObject({ status: 201, body: { rerun_of: uuid, restarted_from: 'compute' } })
  const again = String(made.body.job_uuid)
  const job = await waitForFinal(api.url, again, 90)
  expect(job).toMatchObject({ state: 'succeeded', rerun_of: uuid, restarted_from: 'compute' })
  expect(statesOf(job)).toEqual(['stage reused', 'compute succeeded', 'organize succeeded'])
  const raw = await (await fetch(`${api.url}/job/${again}/result?file=raw`)).text()
  const numbers = Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`).join('')
  expect(raw === `${numbers}more\nmore\n`).toBe(true)
  const log = await fetch(`${api.url}/job/${again}/log?step=stage`)
  expect([log.status, await log.text()]).toEqual([404, expect.stringContaining(uuid)])
})
