import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { apiOnCluster } from '../../../support/api/api-on-cluster.ts'
import { deployJob, getJson, waitForFinal } from '../../../support/api/http.ts'
import { busybox } from '../../../support/api/on-cluster.ts'
import { kubectl, kubectlJson } from '../../../support/cluster/cluster.ts'
import { temporaryFolder } from '../../../support/files/temporary-folder.ts'

it('runs jobs on a cluster that is given by its address, a token and its authority', async () => {
  await using where = await apiOnCluster({ name: 'elsewhere' })
  const folder = temporaryFolder()
  const tokenFile = join(folder, 'token')
  await kubectl('-n', where.namespace, 'apply', '-f', 'manifests/base/rbac.yaml')
  await writeFile(tokenFile, await kubectl('-n', where.namespace, 'create', 'token', 'jobferry'))
  const { clusters } = await kubectlJson<{ clusters: { cluster: Record<string, string> }[] }>(
    ...['config', 'view', '--raw', '--flatten'],
  )
  const { server = '', 'certificate-authority-data': ca = '' } = clusters[0]?.cluster ?? {}
  const access = { KUBECONFIG: '', CLUSTER_URL: server, CLUSTER_TOKEN_FILE: tokenFile }
  const api = await where.start({ ...access, CLUSTER_CA: Buffer.from(ca, 'base64').toString() })
  const uuid = await deployJob(api.url, busybox('echo here > $RESULT_DIRECTORY/here.txt'))
  expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({ state: 'succeeded' })
  const file = await fetch(`${api.url}/job/${uuid}/result?file=here.txt`)
  expect(await file.text()).toBe('here\n')
  await api.stop()

  const unverified = await where.start({ ...access, CLUSTER_VERIFY: '0' })
  expect(await getJson(`${unverified.url}/health`)).toMatchObject({
    backend: expect.stringContaining('its certificate is not checked'),
  })
  expect(unverified.log.join('\n')).toContain('CLUSTER_VERIFY is 0')
})
