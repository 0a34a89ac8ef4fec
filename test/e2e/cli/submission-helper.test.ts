import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { waitForFinal } from '../../support/api/http.ts'
import { deleteJobs, type OnCluster, startOnCluster, untilState } from '../../support/api/on-cluster.ts'
import { runCli } from '../../support/cli/cli-process.ts'
import { applyManifests, kubectl } from '../../support/cluster/cluster.ts'
import { given } from '../../support/cluster/test-run.ts'
import { type TestVolumes, testVolumes } from '../../support/cluster/volumes.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

let volumes: TestVolumes
let api: OnCluster
beforeAll(async () => {
  volumes = await testVolumes()
  api = await startOnCluster({ name: 'helper' })
  await applyManifests(
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'ntuples-claim', namespace: api.namespace },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: volumes.storageClass,
        resources: { requests: { storage: '1Mi' } },
      },
    }),
  )
})
afterAll(async () => {
  // A claim goes once no pod has it, and its volume can go then.
  await deleteJobs(api.url, api.namespace)
  await kubectl('-n', api.namespace, 'delete', 'pvc', 'ntuples-claim')
  await volumes.remove()
  await api.close()
})

it("the submission helper's flags mount its claim and set its environment up, and kubectl finds, reads and deletes the Jobs", async () => {
  const [claim = ''] = volumes.folders
  await writeFile(join(claim, '.profile'), '. ~/.bashrc\n')
  await writeFile(join(claim, '.bashrc'), 'export SETUP=ready\n')
  await writeFile(join(claim, 'events'), '42 events\n')
  const ofHelper = ['-n', api.namespace, '-l', 'app=submission-helper']
  // This image has bash, and the node has it.
  const image = ['--k8s-image', given('UPLOADER_IMAGE'), '--set', 'image_pull_policy=IfNotPresent']
  const submit = async (payload: string) => {
    const more = ['-e', 'HOME=/ntuples', '--server', api.url, '--', payload]
    const { code, out, err } = await runCli(['submit', ...image, ...more], temporaryFolder())
    expect({ code, err }).toEqual({ code: 0, err: '' })
    return out.trim()
  }

  const first = await submit('echo "$SETUP: $(cat /ntuples/events)" | tee $RESULT_DIRECTORY/report')
  expect(await waitForFinal(api.url, first, 60)).toMatchObject({ state: 'succeeded', exit_code: 0 })
  const pod = (await kubectl('get', 'pods', ...ofHelper, '-o', 'name')).trim()
  expect(await kubectl('-n', api.namespace, 'logs', pod)).toBe('ready: 42 events\n')

  const second = await submit('echo early > $RESULT_DIRECTORY/early; exec sleep 600')
  await untilState(api.url, second, 'running')
  const jobs = await kubectl('get', 'jobs', ...ofHelper, '-o', 'name')
  expect(jobs.trim().split('\n')).toHaveLength(2)
  await kubectl('delete', 'jobs', ...ofHelper)
  expect(await waitForFinal(api.url, second, 60)).toMatchObject({ state: 'failed', reason: 'JobDeleted' })
  expect(await (await fetch(`${api.url}/job/${first}/result?file=report`)).text()).toBe('ready: 42 events\n')
})
