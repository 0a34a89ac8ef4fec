import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { getJson, postJson, waitForFinal } from '../support/api/http.ts'
import { callsOf } from '../support/cluster/audit.ts'
import { kubectl, kubectlJson } from '../support/cluster/cluster.ts'
import { type Installation, install } from '../support/cluster/installation.ts'
import { given } from '../support/cluster/test-run.ts'
import { absentNode } from '../support/node/absent-node.ts'
import { eventually } from '../support/time/eventually.ts'

let api: Installation
beforeAll(async () => {
  api = await install({ LOST_NODE_SECONDS: '5' })
})
afterAll(() => api?.remove())

/** Deploys a job of the project's own image, unless the request names another image. */
async function deploy(request: object): Promise<string> {
  const { status, body } = await postJson(`${api.url}/job/deploy`, {
    image: given('UPLOADER_IMAGE'),
    ...request,
  })
  expect(status, JSON.stringify(body)).toBe(201)
  return String(body.job_uuid)
}

async function environment(secret: boolean): Promise<string> {
  const form = new FormData()
  form.set('env_file', new Blob(['GREETING=hello\n']), 'env')
  const answer = await fetch(`${api.url}/resource/env?secret=${secret}`, { method: 'POST', body: form })
  expect(answer.status).toBe(201)
  return ((await answer.json()) as { id: string }).id
}

async function remove(path: string): Promise<void> {
  expect((await fetch(`${api.url}${path}`, { method: 'DELETE' })).status).toBe(204)
}

async function removeJob(uuid: string): Promise<void> {
  await remove(`/job/${uuid}`)
  await eventually(async () => expect((await fetch(`${api.url}/job/${uuid}`)).status).toBe(404), {
    within: 45_000,
  })
}

describe('kubectl apply -k manifests/dev', () => {
  it('installs an API that runs its default job and serves its files', async () => {
    const { job_uuid: uuid } = await getJson<{ job_uuid: string }>(`${api.url}/job/deploy`)
    const job = await waitForFinal(api.url, uuid, 90)
    expect(job, JSON.stringify(job)).toMatchObject({ state: 'succeeded', result: { state: 'complete' } })

    interface Listed {
      files: { path: string; type: string; sha256: string }[]
    }
    const { files } = await getJson<Listed>(`${api.url}/job/${uuid}/result/list`)
    const regular = files.filter((file) => file.type === 'file')
    expect(regular.length).toBeGreaterThan(0)
    for (const { path, sha256 } of regular) {
      const answer = await fetch(`${api.url}/job/${uuid}/result?file=${encodeURIComponent(path)}`)
      const bytes = Buffer.from(await answer.arrayBuffer())
      expect(createHash('sha256').update(bytes).digest('hex'), path).toBe(sha256)
    }
    await removeJob(uuid)
  })

  it('gives a job the variables of a plain and a secret environment', async () => {
    for (const secret of [false, true]) {
      const id = await environment(secret)
      const uuid = await deploy({ command: ['sh', '-c', 'test "$GREETING" = hello'], config_map_ref: [id] })
      expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({ state: 'succeeded' })
      await removeJob(uuid)
      const { environments } = await getJson<{ environments: { id: string }[] }>(`${api.url}/resource/env`)
      expect(environments.map((one) => one.id)).toContain(id)
      await remove(`/resource/env/${id}`)
    }
  })

  it('names the reason that keeps a job from starting', async () => {
    const expectReason = (uuid: string, reason: string) =>
      eventually(async () => expect(await getJson(`${api.url}/job/${uuid}`)).toMatchObject({ reason }), {
        within: 30_000,
      })
    const unpullable = await deploy({ image: 'localhost/no-such-image:1', image_pull_policy: 'Never' })
    const unplaceable = await deploy({ cpu: '1000' })
    await Promise.all([expectReason(unpullable, 'ErrImagePull'), expectReason(unplaceable, 'Unschedulable')])
    await Promise.all([removeJob(unpullable), removeJob(unplaceable)])

    const inNamespace = ['-n', api.namespace]
    await kubectl(...inNamespace, 'create', 'quota', 'nothing-more', '--hard=pods=0')
    const overQuota = await deploy({})
    await expectReason(overQuota, 'QuotaExceeded')
    await removeJob(overQuota)
    await kubectl(...inNamespace, 'delete', 'quota', 'nothing-more')
  })

  it('follows the log of a job and cancels it', async () => {
    const uuid = await deploy({
      command: ['sh', '-c', 'echo begun; trap "exit 1" TERM; while :; do sleep 0.1; done'],
      stop_grace_seconds: 10,
    })
    await eventually(
      async () => expect(await getJson(`${api.url}/job/${uuid}`)).toMatchObject({ state: 'running' }),
      { within: 60_000 },
    )
    await eventually(async () => {
      const log = await fetch(`${api.url}/job/${uuid}/log`)
      expect(await log.text()).toContain('begun')
    })
    const canceled = await fetch(`${api.url}/job/${uuid}/cancel`, { method: 'POST' })
    expect([200, 202]).toContain(canceled.status)
    expect(await waitForFinal(api.url, uuid, 45)).toMatchObject({ state: 'canceled' })
    await removeJob(uuid)
  })

  it('removes a job whose node is lost', async () => {
    await using node = await absentNode()
    const uuid = await deploy({ ...node.request, stop_grace_seconds: 1 })
    await eventually(
      async () => expect(await getJson(`${api.url}/job/${uuid}`)).toMatchObject({ state: 'preparing' }),
      { within: 30_000 },
    )
    await removeJob(uuid)
    const pods = ['get', 'pods', '-o', 'name', '-l', `jobferry.dev/job=${uuid}`]
    await eventually(async () => expect(await kubectl('-n', api.namespace, ...pods)).toBe(''), {
      within: 45_000,
    })
  })

  it('leaves no object of a removed job in the namespace', async () => {
    const find = ['get', 'jobs,pods,secrets,configmaps', '-o', 'name', '-l', 'jobferry.dev/job']
    await eventually(async () => expect(await kubectl('-n', api.namespace, ...find)).toBe(''), {
      within: 45_000,
    })
  })

  // Must be the last test: by then the API has made every kind of call.
  it('has exactly the rights that it uses, in its own namespace', async () => {
    const calls = await callsOf(auditLog(), api.namespace, 'jobferry')
    expect(calls.filter(({ status }) => status === 401 || status === 403)).toEqual([])
    expect(new Set(calls.map(({ namespace }) => namespace))).toEqual(new Set([api.namespace]))
    const used = new Set(calls.map(({ verb, resource }) => `${verb} ${resource}`))
    expect([...used].sort()).toEqual([...(await granted())].sort())
  })
})

function auditLog(): string {
  const log = process.env.AUDIT_LOG
  if (!log) throw new Error('AUDIT_LOG is not set: this cluster does not say what was asked of it')
  return log
}

async function granted(): Promise<Set<string>> {
  interface Role {
    rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[]
  }
  const { rules } = await kubectlJson<Role>('-n', api.namespace, 'get', 'role', 'jobferry')
  return new Set(
    rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          verbs.map((verb) => `${verb} ${[group, resource].filter(Boolean).join('/')}`),
        ),
      ),
    ),
  )
}
