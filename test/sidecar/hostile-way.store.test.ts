import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commitCheckpoints } from '../../src/result-format/checkpoint/checkpoint.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import { readHead } from '../../src/result-format/manifest/manifest-reader.ts'
import { type Captured, startHostileProxy } from '../support/store/hostile-proxy.ts'
import { type RunningMinio, startMinio } from '../support/store/minio.ts'
import { eventually } from '../support/time/eventually.ts'
import {
  forgedCheckpoint,
  forgedManifest,
  forgedPart,
  forgedResult,
  isCheckpoint,
  kindOf,
  right,
  sha256,
  wrong,
} from './forged-requests.ts'
import { newS3Attempt, type S3Attempt } from './s3-attempt.ts'
import { keysOf, manifestOf, objectOf } from './stored.ts'
import { attempt, getFrom, job, listening, Uploader, write } from './uploader-process.ts'

/* Between uploader and store stands somebody without a key, as a worker that changed /etc/hosts. */

const manifestKey = jobKeys.manifest(job, attempt)

let minio: RunningMinio
beforeAll(async () => {
  minio = await startMinio()
})
afterAll(() => minio.stop())

/** For an uploader that tries in vain. */
const short = { UPLOAD_TIMEOUT_SECONDS: '8' }

async function start(environment: Record<string, string> = {}) {
  const proxy = await startHostileProxy(minio.endpoint)
  const made = await newS3Attempt(minio, { S3_ENDPOINT: proxy.url, ...environment })
  return { proxy, made }
}

describe('a request that is altered on its way', () => {
  it('is refused by the store, though its CRC32 is right: no other bytes are committed', async () => {
    const { proxy, made } = await start(short)
    proxy.alter = (request) => forgedResult(request)
    write(made, 'file', right)
    const uploader = await new Uploader(made).ready()
    expect(await uploader.terminate().exit()).toBe(3)
    expect(JSON.parse(readFileSync(made.message, 'utf8'))).toMatchObject({ reason: 'UploadTimeout' })
    await expectNothingWrong(made)
    expect(proxy.captured.some(({ body }) => String(body).includes(right))).toBe(true)
  })

  it('is refused as a manifest, too', async () => {
    const { proxy, made } = await start(short)
    proxy.alter = (request) => forgedManifest(request)
    write(made, 'file', right)
    expect(await (await new Uploader(made).ready()).terminate().exit()).toBe(3)
    expect(await readHead(made.store, manifestKey)).toBeUndefined()
  })
})

describe('a checkpoint that is altered on its way', () => {
  it('is refused by the store: no forged entry becomes a result when the pod is lost', async () => {
    const { proxy, made } = await start({ ...short, ...(await listening()) })
    const uploader = await new Uploader(made).ready()
    proxy.alter = forgedCheckpoint
    write(made, 'file', right)
    // The kubelet announces the pod's end: the uploader writes checkpoints at once.
    await getFrom(made, '/stop/token')
    await eventually(() => {
      const bodies = proxy.captured.filter(isCheckpoint).map(({ body }) => String(body))
      expect(bodies.join('')).toContain(sha256(right))
    })
    await uploader.kill()
    await commitCheckpoints(made.store, job, attempt)
    await expectNothingForged(made)
  })

  it('ends nothing: the manifest has the right bytes, once the way is right again', async () => {
    const { proxy, made } = await start()
    let forgeries = 0
    proxy.alter = async (request) => {
      if (!isCheckpoint(request) || forgeries === 2) return request.body
      forgeries += 1
      return await forgedCheckpoint(request)
    }
    write(made, 'file', right)
    expect(await (await new Uploader(made).ready()).terminate().exit()).toBe(0)
    expect(forgeries).toBe(2)
    await expectNothingForged(made)
    expect((await manifestOf(made.store)).entries).toMatchObject([{ path: 'file', sha256: sha256(right) }])
  })
})

describe('the completion of a large file that is altered on its way', () => {
  const large = Buffer.concat(['one', 'two', 'three'].map((text) => Buffer.alloc(5 * 1024 * 1024, text)))
  const forge = async (forgery: (xml: string) => string) => {
    const { proxy, made } = await start()
    let forged = 0
    proxy.alter = ({ path, body }) => {
      if (kindOf(path) !== 'completion') return body
      const altered = forgery(String(body))
      if (altered !== String(body)) forged += 1
      return Buffer.from(altered)
    }
    write(made, 'large', large)
    const uploader = (await new Uploader(made).ready()).terminate()
    return { made, uploader, forged: () => forged }
  }

  it.each<[string, (xml: string) => string]>([
    ['leaves out a part', (xml) => xml.replace(/<Part>(?:(?!<Part>).)*<PartNumber>2<.*?<\/Part>/s, '')],
    ['is another document', () => '<CompleteMultipartUpload/>'],
    ['names other bytes', (xml) => xml.replace(/&quot;.*?&quot;/, `&quot;${'0'.repeat(32)}&quot;`)],
  ])('is sent again, and nothing is committed, if it %s', async (_, forgery) => {
    const { made, uploader, forged } = await forge(forgery)
    await eventually(() => expect(forged()).toBeGreaterThan(1))
    await uploader.kill()
    expect(await keysOf(made.store)).not.toContain(manifestKey)
  })

  it('leaves the file out of the result, with the reason, if the store refuses it as invalid', async () => {
    const swapped = (xml: string) => xml.replace(/(<Part>.*?<\/Part>)(<Part>.*?<\/Part>)/s, '$2$1')
    const { made, uploader, forged } = await forge(swapped)
    expect(await uploader.exit()).toBe(0)
    expect(forged()).toBeGreaterThan(0)
    expect((await manifestOf(made.store)).entries).toEqual([
      expect.objectContaining({ path: 'large', error: expect.stringContaining('not stored: POST') }),
    ])
  })

  it('is not believed if somebody else says that it succeeded', async () => {
    const { proxy, made } = await start(short)
    proxy.withhold = ({ path }) => kindOf(path) === 'completion'
    write(made, 'large', large)
    expect(await (await new Uploader(made).ready()).terminate().exit()).toBe(3)
    expect(await keysOf(made.store)).not.toContain(manifestKey)
  })
})

describe('a part of a large file that is altered on its way', () => {
  const large = Buffer.alloc(9 * 1024 * 1024, 'large')

  it('makes the file unreadable, since its manifest has the digest of the right bytes', async () => {
    const { proxy, made } = await start()
    proxy.alter = forgedPart
    write(made, 'large', large)
    expect(await (await new Uploader(made).ready()).terminate().exit()).toBe(0)
    const { entries } = await manifestOf(made.store)
    expect(entries).toMatchObject([{ path: 'large', sha256: sha256(large) }])
    expect((await facts(made)).at(-1)).toBe(false)
  })

  it('is refused by the store with S3_SIGN_PARTS', async () => {
    const { proxy, made } = await start({ S3_SIGN_PARTS: 'true', ...short })
    proxy.alter = forgedPart
    write(made, 'large', large)
    expect(await (await new Uploader(made).ready()).terminate().exit()).toBe(3)
    await expectNothingWrong(made)
  })
})

describe('a request that was captured', () => {
  it('changes nothing after the end, whichever it is', async () => {
    const { proxy, made } = await start()
    write(made, 'file', right)
    write(made, 'large', Buffer.alloc(9 * 1024 * 1024, 'large'))
    const uploader = await new Uploader(made).ready()
    expect(await uploader.terminate().exit()).toBe(0)
    const before = await facts(made)
    expect(proxy.captured.map(({ method, path }) => `${method} ${kindOf(path)}`)).toEqual(
      expect.arrayContaining(['PUT manifest', 'PUT checkpoint', 'PUT file', 'PUT part', 'POST completion']),
    )
    for (const request of proxy.captured.filter(({ method }) => method !== 'GET' && method !== 'HEAD')) {
      const { status } = await proxy.replay(request)
      const kind = kindOf(request.path)
      if (kind === 'manifest' || kind === 'checkpoint') expect(status, kind).toBe(412)
    }
    expect(await facts(made)).toEqual(before)
  })

  it('writes no manifest over another one, after the uploader was told that its was stored', async () => {
    const { proxy, made } = await start()
    write(made, 'file', right)
    proxy.withhold = ({ method, path }) => method === 'PUT' && kindOf(path) === 'manifest'
    expect(await (await new Uploader(made).ready()).terminate().exit()).toBe(0)
    // What the uploader says is not what the API reads.
    expect(await readHead(made.store, manifestKey)).toBeUndefined()
    const [withheld] = proxy.captured.filter(proxy.withhold)
    await made.store.put(manifestKey, Buffer.from('the final one'))
    expect((await proxy.replay(withheld as Captured)).status).toBe(412)
    expect(String(await objectOf(made.store, manifestKey))).toBe('the final one')
  })
})

/** Key and ETag of every object of the attempt, and whether each file has its digest. */
async function facts({ store }: S3Attempt): Promise<unknown[]> {
  const { entries } = await manifestOf(store)
  const objects = (await keysOf(store)).map(async (key) => [key, (await store.head(key))?.etag])
  const digests = entries.map(async ({ key = '', sha256: digest }) => {
    return sha256(await objectOf(store, jobKeys.file(job, attempt, key))) === digest
  })
  return [...(await Promise.all(objects)), ...(await Promise.all(digests))]
}

/** No object of the attempt names the digest of the wrong bytes. */
async function expectNothingForged({ store }: S3Attempt): Promise<void> {
  for (const key of await keysOf(store)) {
    expect(String(await objectOf(store, key)), key).not.toContain(sha256(wrong))
  }
}

async function expectNothingWrong({ store }: S3Attempt): Promise<void> {
  const keys = await keysOf(store)
  expect(keys).not.toContain(manifestKey)
  for (const key of keys) expect(String(await objectOf(store, key)), key).not.toContain('wrong')
}
