import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import type { Entry } from '../../../src/result-format/entry.ts'
import { curl } from '../../support/api/curl.ts'
import { getJson, postJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster, untilState } from '../../support/api/on-cluster.ts'
import { kubectlJson } from '../../support/cluster/cluster.ts'
import { type TestVolumes, testVolumes } from '../../support/cluster/volumes.ts'
import { damageOf, deployFiles, removeJob } from '../../support/files/random-files.ts'
import { endBeforeItsUploader, untilEnded } from '../../support/store/uploader-faults.ts'

/*
 * What most callers do, once each, in a namespace that enforces the level `restricted`.
 */

let api: OnCluster
let volumes: TestVolumes
beforeAll(async () => {
  volumes = await testVolumes({ count: 1 })
  api = await startOnCluster({
    name: 'restricted',
    podSecurity: 'restricted',
    environment: { DEMO_WAIT_SECONDS: '1' },
  })
})
afterAll(async () => {
  await api?.close()
  await volumes?.remove()
})

describe('at the level `restricted`', () => {
  it('the namespace enforces it', async () => {
    const { metadata } = await kubectlJson<{ metadata: { labels: Record<string, string> } }>(
      ...['get', 'namespace', api.namespace],
    )
    expect(metadata.labels['pod-security.kubernetes.io/enforce']).toBe('restricted')
  })

  it('the configured job `default` succeeds and serves its file', async () => {
    const { job_uuid: uuid } = (await curl(`${api.url}/job/deploy`)).json<{ job_uuid: string }>()
    expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({
      state: 'succeeded',
      result: { state: 'complete', count: 1 },
    })
    const { files } = await getJson<{ files: Entry[] }>(`${api.url}/job/${uuid}/result/list`)
    const text = (await curl(`${api.url}/job/${uuid}/result?file=${files[0]?.path}`)).text()
    expect(text).toMatch(/^Hello from job-/)
    await removeJob(api, uuid)
  })

  it('600 small files of any mode are packed and can be read', async () => {
    const uuid = await deployFiles(api.url, { count: 600, bytes: 100 }, 'chmod 0400 *; id -u', {
      result_layout: 'packed',
    })
    expect(await waitForFinal(api.url, uuid, 90)).toMatchObject({
      state: 'succeeded',
      result: { state: 'complete', count: 600 },
    })
    expect((await curl(`${api.url}/job/${uuid}/log?tail=1`)).text()).toBe('1000\n')
    expect(await damageOf(api.url, uuid)).toEqual([])
    await removeJob(api, uuid)
  })

  it('inputs arrive, can be changed, and come back', async () => {
    const script = 'cd "$INPUT_DIRECTORY" && echo more >>in.txt && cp in.txt "$RESULT_DIRECTORY/out.txt"'
    const deployed = await curl(
      `${api.url}/job/deploy`,
      ...['-F', `request=${JSON.stringify(busybox(script))}`],
      ...['-F', 'input=given;filename=in.txt'],
    )
    expect(deployed.head, deployed.text()).toMatch(/^HTTP\/1.1 201 /m)
    const { job_uuid: uuid } = deployed.json<{ job_uuid: string }>()
    const job = await waitForFinal(api.url, uuid, 60)
    const log = (await curl(`${api.url}/job/${uuid}/log`)).text()
    expect(job, log).toMatchObject({ state: 'succeeded', result: { state: 'complete' } })
    expect((await curl(`${api.url}/job/${uuid}/result?file=out.txt`)).text()).toBe('givenmore\n')
    await removeJob(api, uuid)
  })

  it('a canceled job keeps what it wrote', async () => {
    const script = 'echo some >"$RESULT_DIRECTORY/some.txt"; trap "exit 1" TERM; sleep 600 & wait'
    const { body } = await postJson(`${api.url}/job/deploy`, busybox(script))
    const uuid = String(body.job_uuid)
    await untilState(api.url, uuid, 'running')
    expect((await fetch(`${api.url}/job/${uuid}/cancel`, { method: 'POST' })).status).toBe(202)
    expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({ state: 'canceled', reason: 'Canceled' })
    expect((await curl(`${api.url}/job/${uuid}/result?file=some.txt`)).text()).toBe('some\n')
    await removeJob(api, uuid)
  })

  it('a rescue stores what a killed uploader left on a volume claim', async () => {
    const files = { count: 50, bytes: 16_384 }
    const claim = { result_storage: '100Mi', result_storage_class: volumes.storageClass }
    const uuid = await deployFiles(api.url, files, `chmod 0600 *; ${untilEnded}`, claim)
    await endBeforeItsUploader(api.namespace, uuid)
    const result = { state: 'complete', count: files.count, bytes: files.count * files.bytes }
    const job: Job = await waitForFinal(api.url, uuid, 90)
    expect(job).toMatchObject({ state: 'succeeded', reason: null, result })
    expect(await damageOf(api.url, uuid)).toEqual([])
    await removeJob(api, uuid)
  })
})
