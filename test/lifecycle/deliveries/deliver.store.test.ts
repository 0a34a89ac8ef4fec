import { createHash, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { deliveryMarker, markedProcesses } from '../../../src/backends/local/process/kill-processes.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { call, deployJson } from '../../http/client.ts'
import { type RunningApi, startApi } from '../../http/running.ts'
import { untilFinal } from '../../http/until-final.ts'
import { startFaultProxy } from '../../support/store/fault-proxy.ts'
import { type RunningMinio, startMinio } from '../../support/store/minio.ts'
import { s3Store } from '../../support/store/s3-store.ts'
import { eventually } from '../../support/time/eventually.ts'

const patient = { within: 60_000 }
const bucket = `target-${randomUUID()}`
const make = `command: ["sh", "-c", "cd $RESULT_DIRECTORY; eval \\"$SCRIPT\\""]
env: {SCRIPT: ""}
`
let minio: RunningMinio
let target: ArtifactStore
let api: RunningApi
let secrets: string

interface Shown {
  state: string
  deliveries: { to: string; state: string; reason: string; message: string; files: number; bytes: number }[]
}

beforeAll(async () => {
  minio = await startMinio()
  target = s3Store(minio, bucket)
  await target.prepare()
  const { endpoint, accessKey, secretKey } = minio
  secrets = await mkdtemp(join(tmpdir(), 'secrets-'))
  await writeSecret('other', { endpoint, accessKey, secretKey })
  await writeSecret('wrong', { endpoint, accessKey, secretKey: 'not this one' })
  await writeSecret('metadata', { endpoint: 'http://169.254.169.254', accessKey, secretKey })
  api = await startApi(
    { make },
    {
      INPUT_ALLOW_HTTP: '1',
      OUTGOING_ALLOW: 'any',
      REQUEST_SECRETS: 'other,wrong,later,metadata,away,slow,after,never',
      PACK_FROM_COUNT: '2',
      LOCAL_SECRETS_DIRECTORY: secrets,
    },
  )
})
afterAll(async () => {
  await api?.close()
  await target?.close()
  await minio?.stop()
  await rm(secrets, { recursive: true, force: true })
})

async function writeSecret(name: string, values: Record<string, string>): Promise<void> {
  await mkdir(join(secrets, name), { recursive: true })
  for (const [key, value] of Object.entries(values)) await writeFile(join(secrets, name, key), value)
}

async function ended(script: string, deliver: object[], more: object = {}): Promise<string> {
  const outputs = { deliver, ...(more as { outputs?: object }).outputs }
  const answer = await call(api.url, deployJson({ job: 'make', env: { SCRIPT: script }, ...more, outputs }))
  expect(answer.json()).toMatchObject({ status: 'job deployed' })
  const { job_uuid: uuid } = answer.json() as { job_uuid: string }
  await untilFinal(api.url, uuid)
  return uuid
}

const shown = async (uuid: string) => (await call(api.url, { path: `/job/${uuid}` })).json() as Shown

async function delivered(uuid: string, states = ['delivered']): Promise<Shown> {
  return await eventually(async () => {
    const job = await shown(uuid)
    expect(job.deliveries.map(({ state }) => state)).toEqual(states)
    return job
  }, patient)
}

async function read(key: string): Promise<Buffer> {
  return await buffer((await target.get(key)).stream)
}

async function manifestAt(prefix: string, uuid: string): Promise<Record<string, unknown>[]> {
  const text = (await read(`${prefix}jobferry-${uuid}.ndjson`)).toString()
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

async function keysBelow(prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of target.list(prefix)) keys.push(key.slice(prefix.length))
  return keys
}

describe('a result is delivered', { timeout: 240_000 }, () => {
  it('byte for byte, small files as files of their own, with a manifest of all names', async () => {
    const script =
      'mkdir -p d/empty; for n in 1 2 3; do echo $n >d/$n; done; head -c 20000000 /dev/urandom >big; ln -s big link; printf x >"$(printf \'b\\303\')"'
    const uuid = await ended(script, [{ to: `s3://${bucket}/all/`, secret: 'other' }])
    const job = await delivered(uuid)
    expect(job.deliveries).toMatchObject([{ to: `s3://${bucket}/all/`, files: 5, bytes: 20_000_007 }])
    const plain = ['big', 'd/1', 'd/2', 'd/3', `jobferry-${uuid}.ndjson`]
    expect(await keysBelow('all/')).toEqual([...plain, expect.stringMatching(`^jobferry-${uuid}/`)])
    const [head, ...lines] = await manifestAt('all/', uuid)
    expect(head).toMatchObject({ version: 1, job: uuid })
    expect(lines.map(({ path, type }) => [path, type])).toEqual([
      ['big', 'file'],
      [undefined, 'file'],
      ['d', 'directory'],
      ['d/1', 'file'],
      ['d/2', 'file'],
      ['d/3', 'file'],
      ['d/empty', 'directory'],
      ['link', 'symlink'],
    ])
    for (const { type, key, sha256 } of lines) {
      if (type === 'file')
        expect(
          createHash('sha256')
            .update(await read(`all/${key}`))
            .digest('hex'),
        ).toBe(sha256)
    }
  })

  it('to several targets, of which one fails and one waits for its Secret', async () => {
    const uuid = await ended('echo 1 >a; mkdir b; echo 2 >b/c; echo 3 >d', [
      { to: `s3://${bucket}/some/`, secret: 'other', include: ['b', '/a'] },
      { to: `s3://${bucket}/refused/`, secret: 'wrong' },
      { to: `s3://${bucket}/nowhere/`, secret: 'metadata' },
      { to: `s3://${bucket}-none/`, secret: 'other' },
      { to: `s3://${bucket}/late/`, secret: 'later' },
    ])
    const states = ['delivered', 'failed', 'failed', 'failed']
    const { deliveries } = await delivered(uuid, [...states, 'delivering'])
    expect(deliveries).toMatchObject([
      { files: 2, bytes: 4, reason: null, message: null },
      { reason: 'TargetRefused', message: expect.stringMatching(/refused\/: .*SignatureDoesNotMatch/) },
      { reason: 'TargetRefused', message: expect.stringMatching(/nowhere\/: .*169\.254\.169\.254/) },
      { reason: 'TargetRefused', message: expect.stringContaining('NoSuchBucket') },
      { message: expect.stringContaining('Secret "later" is not there') },
    ])
    expect(JSON.stringify(deliveries)).not.toContain(minio.secretKey)
    expect(await keysBelow('some/')).toEqual(['a', 'b/c', `jobferry-${uuid}.ndjson`])
    expect(await keysBelow('refused/')).toEqual([])
    const { endpoint, accessKey, secretKey } = minio
    await writeSecret('later', { endpoint, accessKey, secretKey })
    await delivered(uuid, [...states, 'delivered'])
    expect(await keysBelow('late/')).toEqual(['a', 'b/c', 'd', `jobferry-${uuid}.ndjson`])
  })

  it('again by hand: only what is not there unchanged is sent', async () => {
    const uuid = await ended('echo 1 >a; echo 2 >b', [{ to: `s3://${bucket}/again/`, secret: 'other' }])
    await delivered(uuid)
    const first = await target.head('again/a')
    await target.put('again/b', Buffer.from('another'))
    const ordered = await call(api.url, { path: `/job/${uuid}/deliver`, method: 'POST' })
    expect(ordered.status).toBe(202)
    await eventually(async () => expect((await read('again/b')).toString()).toBe('2\n'), patient)
    expect(await delivered(uuid)).toMatchObject({ deliveries: [{ files: 2, bytes: 4 }] })
    expect((await target.head('again/a'))?.modified).toEqual(first?.modified)
  })

  it('goes on after its target was away', async () => {
    const proxy = await startFaultProxy(minio.endpoint)
    onTestFinished(() => proxy.close())
    await writeSecret('away', { endpoint: proxy.url, accessKey: minio.accessKey, secretKey: minio.secretKey })
    await proxy.setFault({ kind: 'refuse' })
    const uuid = await ended('echo 1 >a', [{ to: `s3://${bucket}/away/`, secret: 'away' }])
    await eventually(async () => {
      const { deliveries } = await shown(uuid)
      expect(deliveries).toMatchObject([
        { state: 'delivering', message: expect.stringMatching(/tried again$/) },
      ])
    }, patient)
    await proxy.setFault({ kind: 'pass' })
    await delivered(uuid)
    expect((await read('away/a')).toString()).toBe('1\n')
  })

  it('while another target takes its files too slowly', async () => {
    const proxy = await startFaultProxy(minio.endpoint)
    onTestFinished(() => proxy.close())
    const { endpoint, accessKey, secretKey } = minio
    await writeSecret('slow', { endpoint: proxy.url, accessKey, secretKey })
    await proxy.setFault({ kind: 'throttle', bytesPerSecond: 5000 })
    const uuid = await ended('for n in 1 2 3 4 5 6; do head -c 2000000 /dev/urandom >$n; done', [
      { to: `s3://${bucket}/slow/`, secret: 'slow' },
      { to: `s3://${bucket}/after/`, secret: 'after' },
    ])
    await eventually(async () => expect(proxy.requested).toBeGreaterThan(100_000), patient)
    await writeSecret('after', { endpoint, accessKey, secretKey })
    await delivered(uuid, ['delivering', 'delivered'])
    expect((await call(api.url, { path: `/job/${uuid}`, method: 'DELETE' })).status).toBe(204)
  })
})

describe('nothing is delivered', { timeout: 240_000 }, () => {
  it('of a job without a result', async () => {
    const deliver = [{ to: `s3://${bucket}/none/`, secret: 'other' }]
    const uuid = await ended('echo 1 >a; exit 3', deliver, { outputs: { when: 'success' } })
    const { deliveries } = await delivered(uuid, ['failed'])
    expect(deliveries).toMatchObject([
      { reason: 'NoResult', message: expect.stringContaining('`outputs.when`') },
    ])
    const again = await call(api.url, { path: `/job/${uuid}/deliver`, method: 'POST' })
    expect(again.json()).toMatchObject({ status: 409, type: expect.stringContaining('result-missing') })
  })

  it('with a Secret that requests may not name, or to what is no folder of a bucket', async () => {
    for (const [deliver, field] of [
      [{ to: `s3://${bucket}/x/`, secret: 'unlisted' }, 'outputs.deliver[0].secret'],
      [{ to: `s3://${bucket}/x`, secret: 'other' }, 'outputs.deliver[0].to'],
    ] as const) {
      const answer = await call(api.url, deployJson({ job: 'make', outputs: { deliver: [deliver] } }))
      expect(answer.json()).toMatchObject({ status: 400, errors: [{ field }] })
    }
  })

  it('of a job that is deleted meanwhile, and nothing of it stays', async () => {
    const uuid = await ended('echo 1 >a', [{ to: `s3://${bucket}/gone/`, secret: 'never' }])
    await delivered(uuid, ['delivering'])
    expect((await markedProcesses(deliveryMarker(uuid))).length).toBe(1)
    expect((await call(api.url, { path: `/job/${uuid}`, method: 'DELETE' })).status).toBe(204)
    expect(await markedProcesses(deliveryMarker(uuid))).toEqual([])
    expect((await api.stored()).filter((path) => path.includes(uuid))).toEqual([])
  })
})
