import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { createS3Store, staticCredentials } from '../../../src/store/s3/s3.ts'
import { temporaryBucket, testStore } from '../../support/store/bucket.ts'
import { s3Store } from '../../support/store/s3-store.ts'

const shown = {
  contentType: 'text/plain; charset=utf-8',
  contentDisposition: `inline; filename="a ? & + .txt"; filename*=UTF-8''%C3%BC%20%25.txt`,
}
const get = { method: 'GET', expiresSeconds: 60, ...shown } as const

async function store(more: { publicEndpoint?: string; prefix?: string } = {}) {
  const bucket = await temporaryBucket()
  const made = s3Store(testStore(), bucket.name, { publicEndpoint: testStore().endpoint, ...more })
  onTestFinished(async () => {
    await made.close()
    await bucket.remove()
  })
  return {
    ...made,
    presign: (key: string, options: Parameters<typeof addressOf>[1]) => addressOf(key, options),
  }

  async function addressOf(
    key: string,
    options: Omit<typeof get, 'method' | 'expiresSeconds'> & {
      method: 'GET' | 'HEAD'
      expiresSeconds: number
    },
  ): Promise<string> {
    const address = await made.presign?.(key, options)
    if (address === undefined) throw new Error('it has a public endpoint')
    return address
  }
}

it.each(['plain.txt', "folder/a b+c%&=?#'()*!~ü😀", 'jobs/x/files/~1.gz'])(
  'gives a URL at which %j is read without credentials, with the type and name of the file',
  async (key) => {
    const { put, presign } = await store({ prefix: 'team a/%41+' })
    const { etag } = await put(key, Buffer.from('the bytes'))
    const answer = await fetch(await presign(key, get))
    expect(await answer.text()).toBe('the bytes')
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      etag: `"${etag}"`,
      'content-type': shown.contentType,
      'content-disposition': shown.contentDisposition,
    })
  },
)

it('gives URLs that accept ranges, and URLs for HEAD', async () => {
  const { put, presign } = await store()
  await put('key', Buffer.from('0123456789'))
  const part = await fetch(await presign('key', get), { headers: { range: 'bytes=2-4' } })
  expect([part.status, await part.text()]).toEqual([206, '234'])
  const head = await fetch(await presign('key', { ...get, method: 'HEAD' }), { method: 'HEAD' })
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '10'])
})

it('gives URLs that are valid only for their object, method, headers and time', async () => {
  const { put, presign } = await store()
  await put('key', Buffer.from('x'))
  await put('other', Buffer.from('y'))
  const address = await presign('key', get)
  const status = async (url: string, method = 'GET') => (await fetch(url, { method })).status
  expect(await status(address.replace('/key?', '/other?'))).toBe(403)
  expect(await status(address, 'DELETE')).toBe(403)
  expect(await status(address.replace('inline', 'attachment'))).toBe(403)
  const short = await presign('key', { ...get, expiresSeconds: 1 })
  await sleep(2100)
  expect(await status(short)).toBe(403)
  expect(await status(address)).toBe(200)
})

it('gives URLs at the public endpoint, and none without one', async () => {
  const { presign } = await store({ publicEndpoint: 'https://files.example.org/' })
  expect(await presign('a/key', get)).toMatch(/^https:\/\/files\.example\.org\/test-[^/]+\/a\/key\?/)
  const { endpoint, accessKey, secretKey } = testStore()
  const inside = createS3Store({
    endpoint,
    bucket: 'none',
    region: 'us-east-1',
    prefix: '',
    credentials: staticCredentials(accessKey, secretKey),
  })
  expect(inside.presign).toBeUndefined()
  await inside.close()
})
