import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { Job } from '../../src/job/job.ts'
import { kubectl } from '../support/cluster/cluster.ts'
import { portForward } from '../support/cluster/port-forward.ts'
import { given, runLabel, testRun } from '../support/cluster/test-run.ts'
import { codeBlock } from '../support/docs/code-blocks.ts'
import { run } from '../support/run.ts'
import { temporaryBucket, testStore } from '../support/store/bucket.ts'
import { accessKeyWith } from '../support/store/limited-credentials.ts'
import { eventually } from '../support/time/eventually.ts'

/*
 * The commands of docs/installing.md and docs/operating.md, as they stand there: only names,
 * addresses, keys and the image are those of the test.
 */

const installing = 'docs/installing.md'
const operating = 'docs/operating.md'
const image = given('UPLOADER_IMAGE')
const [imageName, imageTag] = [
  image.slice(0, image.lastIndexOf(':')),
  image.slice(image.lastIndexOf(':') + 1),
]
const namespace = `research-${testRun()}`

const ways = [
  {
    way: 'kustomize',
    heading: 'With kustomize',
    command: 'kubectl apply -k .',
    overlay: `cat >> kustomization.yaml <<'END'
images:
  - {name: ghcr.io/jobferry/jobferry, newName: ${imageName}, newTag: "${imageTag}"}
END`,
    remove: 'kubectl delete -k',
  },
  {
    way: 'Helm',
    heading: 'With Helm',
    command: 'helm install',
    overlay: `echo 'image: ${image}' >> values.yaml`,
    remove: 'helm',
  },
]

afterEach(async () => {
  await kubectl('delete', 'namespace', namespace, '--ignore-not-found', '--wait=true', '--timeout=120s')
})

it.each(ways)(
  'the documented commands install by $way, run a job, and leave nothing',
  async (way) => {
    await using bucket = await temporaryBucket()
    const folder = await mkdtemp(join(tmpdir(), 'jobferry-install-'))
    const shell = async (script: string) =>
      run('bash', ['-euo', 'pipefail', '-c', await adapt(script)], { cwd: folder })
    const adapt = await adaptation(bucket.name, folder)
    try {
      const prepare = codeBlock(installing, 'Installing', 'kubectl create namespace')
      const token = await shell(`${prepare}\nprintf %s "$TOKEN" > token\ncat token`)
      await kubectl('label', 'namespace', namespace, `${runLabel}=${testRun()}`)
      const install = codeBlock(installing, way.heading, way.command)
      await shell(install.replace(way.command, `${way.overlay}\n${way.command}`))
      await runJobs(token.split('\n').at(-1) ?? '')
      await shell(codeBlock(operating, 'Uninstalling', 'delete deployment/jobferry'))
      await shell(codeBlock(operating, 'Uninstalling', way.remove))
      await eventually(async () => expect(await objectsLeft()).toEqual([]), { within: 60_000, every: 1000 })
    } finally {
      await rm(folder, { recursive: true })
    }
  },
  400_000,
)

/** Runs the default job to its end, and leaves a running job with a secret behind. */
async function runJobs(token: string): Promise<void> {
  const forward = await portForward(namespace, 'service/jobferry', 8888)
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const get = async (path: string) => {
    const answer = await fetch(`${forward.url}${path}`, { headers })
    expect(answer.status, await answer.clone().text()).toBe(200)
    return answer
  }
  try {
    expect((await fetch(`${forward.url}/job`)).status).toBe(401)
    const { job_uuid: uuid } = (await (await get('/job/deploy')).json()) as { job_uuid: string }
    await eventually(
      async () => {
        const job = (await (await get(`/job/${uuid}`)).json()) as Job
        expect(job, JSON.stringify(job)).toMatchObject({ state: 'succeeded', result: { state: 'complete' } })
      },
      { within: 120_000, every: 500 },
    )
    expect(await (await get(`/job/${uuid}/result?file=hello.txt`)).text()).toMatch(/^Hello from /)
    const long = { image, command: ['sleep', '3600'], env: { A: 'b' }, stop_grace_seconds: 1 }
    const body = JSON.stringify(long)
    const endless = await fetch(`${forward.url}/job/deploy`, { method: 'POST', headers, body })
    expect(endless.status, await endless.clone().text()).toBe(201)
    const { job_uuid: running } = (await endless.json()) as { job_uuid: string }
    await eventually(
      async () => expect(await (await get(`/job/${running}`)).json()).toMatchObject({ state: 'running' }),
      { within: 120_000, every: 500 },
    )
  } finally {
    await forward.stop()
  }
}

/** Names of all objects of the namespace but those that Kubernetes makes for every namespace. */
async function objectsLeft(): Promise<string[]> {
  const kinds = (await kubectl('api-resources', '--verbs=list', '--namespaced', '-o', 'name'))
    .trim()
    .split('\n')
  const listed = kinds.filter((kind) => !/^(events|podmetrics|pods\.metrics)/.test(kind)).join(',')
  const names = await kubectl('-n', namespace, 'get', listed, '-o', 'name', '--ignore-not-found')
  return names
    .split('\n')
    .filter((name) => name && name !== 'serviceaccount/default' && name !== 'configmap/kube-root-ca.crt')
}

/** Puts the test's values in place of the documents' examples. */
async function adaptation(bucket: string, folder: string): Promise<(script: string) => string> {
  const policy = (text: string) =>
    codeBlock(installing, "The store's keys", text).replaceAll(':::jobferry', `:::${bucket}`)
  const api = await accessKeyWith(testStore(), policy('s3:DeleteObject'))
  const uploader = await accessKeyWith(testStore(), policy('/jobs/*'))
  const endpoint = given('S3_ENDPOINT_FOR_PODS')
  const examples: [string, string][] = [
    [
      'https://github.com/jobferry/jobferry//manifests/base?ref=v0.2.0',
      relative(folder, resolve('manifests/base')),
    ],
    ['jobferry/manifests/chart', resolve('manifests/chart')],
    ['https://s3.example.org', endpoint],
    ['S3_BUCKET=jobferry', `S3_BUCKET=${bucket}`],
    ['bucket: jobferry', `bucket: ${bucket}`],
    ['the-secret-of-that-key', api.secretKey],
    ['the-secret-of-that-one', uploader.secretKey],
    ['S3_ACCESS_KEY=api', `S3_ACCESS_KEY=${api.accessKey}`],
    ['accessKey: api', `accessKey: ${api.accessKey}`],
    ['ACCESS_KEY=uploader', `ACCESS_KEY=${uploader.accessKey}`],
    ['AccessKey: uploader', `AccessKey: ${uploader.accessKey}`],
    ['research', namespace],
  ]
  return (script) => examples.reduce((text, [example, value]) => text.replaceAll(example, value), script)
}
