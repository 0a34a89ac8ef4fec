import { expect, it, onTestFinished } from 'vitest'
import { curl } from '../../support/api/curl.ts'
import { startEmbedded } from '../../support/api/embedded.ts'
import { postJson, waitForFinal } from '../../support/api/http.ts'
import { run } from '../../support/run.ts'

it('a result beyond the limits is partial, and what fits can be read by every name', async () => {
  const api = await startEmbedded(
    {},
    { RESULT_MAX_BYTES: '100000', LOCAL_ALLOW_COMMANDS: '1', ALLOW_UNAUTHENTICATED: '1' },
  )
  onTestFinished(() => api.remove(), 60_000)
  const script = `cd "$RESULT_DIRECTORY" && echo first >a && ln a b && ln a c && truncate -s 1T huge`
  const deployed = await postJson(`${api.url}/job/deploy`, { command: ['sh', '-c', script], retries: 2 })
  const uuid = String(deployed.body.job_uuid)
  const job = await waitForFinal(api.url, uuid, 60)
  expect(job).toMatchObject({ state: 'failed', reason: 'StorageFull', exit_code: 0, attempt: { number: 1 } })
  expect(job.message).toContain('RESULT_MAX_BYTES (100,000 bytes): 1 file is left out, the first is "huge"')
  expect(job.result).toMatchObject({ state: 'partial', count: 4, bytes: 18 })
  for (const name of ['a', 'b', 'c'])
    expect((await curl(`${api.url}/job/${uuid}/result?file=${name}`)).text()).toBe('first\n')
  expect((await curl(`${api.url}/job/${uuid}/result?file=b`, '-H', 'range: bytes=1-2')).text()).toBe('ir')
  const names = await run('sh', [
    '-c',
    `curl -sf "${api.url}/job/${uuid}/result?file=a&file=b&file=c" | tar -xO`,
  ])
  expect(names).toBe('first\nfirst\nfirst\n')
  const list = await curl(`${api.url}/job/${uuid}/result/list?verify=true`)
  expect(list.text()).not.toContain('damage')
  expect(list.json<{ files: object[] }>().files[3]).toMatchObject({
    path: 'huge',
    error: expect.stringContaining('RESULT_MAX_BYTES, 100000 bytes'),
  })
})
