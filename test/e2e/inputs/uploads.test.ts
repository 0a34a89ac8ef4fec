import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { zipOf } from '../../sidecar/inputs/unpack/zip-of.ts'
import { curl } from '../../support/api/curl.ts'
import { deployJob, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

const bytes = randomBytes(3 * 2 ** 20)
const copy = busybox('cp -r /input/. $RESULT_DIRECTORY/')
const apis: OnCluster[] = []

beforeAll(async () => {
  for (const credentials of ['shared', 'job']) {
    const environment = { S3_UPLOADER_CREDENTIALS: credentials }
    apis.push(await startOnCluster({ name: `uploads-${credentials}`, environment }))
  }
})
afterAll(async () => {
  for (const api of apis) await api.close()
})

it.each([
  ['the uploaders’ shared key', 0],
  ['a key for each job', 1],
])('with %s an upload is the input of two jobs, each with its version', async (_, index) => {
  const api = apis[index]
  if (api === undefined) throw new Error('no API')
  const url = `${api.url}/upload/data.bin`
  const put = async (content: Buffer) => {
    const file = join(temporaryFolder(), 'content')
    await writeFile(file, content.toString('base64'))
    return await curl(url, '-T', file)
  }
  const inputs = [{ from: 'upload:data.bin', to: 'folder/data' }]
  await put(bytes)
  const first = await deployJob(api.url, { ...copy, inputs })
  await put(Buffer.from('two'))
  const second = await deployJob(api.url, { ...copy, inputs })
  await curl(url, '-X', 'DELETE')
  const versions = [bytes, Buffer.from('two')].map((content) => content.toString('base64'))
  for (const [number, uuid] of [first, second].entries()) {
    expect(await waitForFinal(api.url, uuid, 90)).toMatchObject({
      ...{ state: 'succeeded', result: { state: 'complete' } },
      inputs: [{ source: 'upload:data.bin', to: 'folder/data', size: versions[number]?.length }],
    })
    const got = await curl(`${api.url}/job/${uuid}/result?file=folder/data`)
    expect(got.text() === versions[number]).toBe(true)
  }
})

it('a zip among them is unpacked with its programs', async () => {
  const [api] = apis
  if (api === undefined) throw new Error('no API')
  const file = join(temporaryFolder(), 'tools.zip')
  const program = '#!/bin/sh\necho ran'
  await writeFile(
    file,
    zipOf([{ name: 'bin/run.sh', content: program, mode: 0o100755, descriptor: 'signed' }]),
  )
  await curl(`${api.url}/upload/tools.zip`, '-T', file)
  const inputs = [{ from: 'upload:tools.zip', unpack: 'zip' }]
  const script = '/input/tools/bin/run.sh > $RESULT_DIRECTORY/said'
  const uuid = await deployJob(api.url, { ...busybox(script), inputs })
  expect(await waitForFinal(api.url, uuid, 90)).toMatchObject({ state: 'succeeded' })
  expect((await curl(`${api.url}/job/${uuid}/result?file=said`)).text()).toBe('ran\n')
})
