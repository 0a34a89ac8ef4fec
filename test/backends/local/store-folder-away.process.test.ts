import { existsSync } from 'node:fs'
import { readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { startEmbedded } from '../../support/api/embedded.ts'
import { getJson, postJson, waitForFinal } from '../../support/api/http.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { eventually } from '../../support/time/eventually.ts'

const patience = { within: 30_000 }

describe('a job during whose run a folder of the store is away', { timeout: 180_000 }, () => {
  it.each([
    ['the store’s folder', 'store', false],
    ['its folder jobs, replaced by a file,', 'store/jobs', true],
  ])('waits in `storing` while %s is away, and ends right once it is back', async (_, folder, leavesFile) => {
    const go = join(temporaryFolder(), 'go')
    const script = `echo early >$RESULT_DIRECTORY/early; until [ -e ${go} ]; do sleep 0.1; done; echo late >$RESULT_DIRECTORY/late`
    const api = await startEmbedded({ wait: `command: [sh, -c, ${JSON.stringify(script)}]\n` })
    onTestFinished(() => api.remove())
    const { body } = await postJson(`${api.url}/job/deploy`, { job: 'wait' })
    const job = () => getJson<Job>(`${api.url}/job/${body.job_uuid}`)
    await eventually(async () => expect((await job()).state).toBe('running'), patience)

    const path = join(api.directory, folder)
    await rename(path, `${path}.away`)
    if (leavesFile) await writeFile(path, 'a file')
    await writeFile(go, '')
    await eventually(async () => {
      expect(await job()).toMatchObject({
        state: 'storing',
        reason: 'StoreUnavailable',
        message: expect.stringContaining(path),
      })
    }, patience)
    await eventually(async () => {
      const health = await fetch(`${api.url}/health`)
      expect(await health.json()).toMatchObject({ status: 'degraded' })
    }, patience)
    expect(await (await fetch(`${api.url}/health`)).text()).toContain(path)
    expect(existsSync(path)).toBe(leavesFile)

    if (leavesFile) await rm(path)
    await rename(`${path}.away`, path)
    expect(await waitForFinal(api.url, String(body.job_uuid), 60)).toMatchObject({
      state: 'succeeded',
      reason: null,
      result: { state: 'complete', count: 2 },
    })
    expect(await (await fetch(`${api.url}/job/${body.job_uuid}/result?file=late`)).text()).toBe('late\n')
    await eventually(async () => expect(await getJson(`${api.url}/health`)).toMatchObject({ status: 'ok' }))
    expect(await readdir(join(api.directory, 'store'))).toContain('jobs')
  })
})
