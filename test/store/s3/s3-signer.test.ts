import { hash } from 'node:crypto'
import { Hash } from '@smithy/hash-node'
import { SignatureV4 } from '@smithy/signature-v4'
import { describe, expect, it } from 'vitest'
import { encodeKey } from '../../../src/store/s3/s3-encode.ts'
import { createS3Signer } from '../../../src/store/s3/s3-signer.ts'

/** The headers that AWS' own signer gives the request at `time`. */
async function expected(
  request: Parameters<ReturnType<typeof createS3Signer>>[0],
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string },
  time: string,
) {
  const signer = new SignatureV4({
    service: 's3',
    region: 'eu-central-1',
    credentials,
    sha256: Hash.bind(null, 'sha256'),
    uriEscapePath: false,
    applyChecksum: false,
  })
  const [, date, clock] = /^(\d{8})T(\d{6})Z$/.exec(time) ?? []
  const iso = `${date?.replace(/(....)(..)(..)/, '$1-$2-$3')}T${clock?.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`
  const headers = { ...request.headers, 'x-amz-content-sha256': request.payloadSha256 ?? 'UNSIGNED-PAYLOAD' }
  const signed = await signer.sign({ ...request, headers }, { signingDate: new Date(iso) })
  return signed.headers
}

describe('the signature of a request', () => {
  const base = { method: 'PUT', protocol: 'https:', hostname: 's3.example.org', query: {} }
  const host = 's3.example.org:9000'
  it.each([
    ['a file', { path: '/bucket/jobs/a', headers: { host, 'x-amz-checksum-crc32': 'AAAAAA==' } }],
    ['a body', { path: '/bucket/jobs/a', headers: { host }, payloadSha256: hash('sha256', 'body') }],
    ['odd names', { path: `/bucket/${encodeKey("ä ö/%20+*'()!~/日本")}`, headers: { host } }],
    [
      'a part',
      {
        path: '/bucket/x',
        headers: { host, 'x-amz-checksum-crc32': 'x+/y==' },
        query: { uploadId: 'a/b+c=', partNumber: '12' },
      },
    ],
    ['uploads', { method: 'POST', path: '/bucket/x', headers: { host }, query: { uploads: '' } }],
    ['a read', { method: 'GET', path: '/b/x', headers: { host, range: 'bytes=0-1', 'if-match': '"e-2"' } }],
  ])('equals the one of AWS’ own signer: %s', async (_, asked) => {
    for (const session of [{}, { sessionToken: 'to/ken==' }]) {
      const credentials = { accessKeyId: 'key', secretAccessKey: 'secret', ...session }
      const sign = createS3Signer('eu-central-1', () => Promise.resolve(credentials))
      const request = { ...base, ...asked }
      const headers = await sign(request)
      expect(headers).toEqual(await expected(request, credentials, headers['x-amz-date'] ?? ''))
    }
  })

  it('changes with the credentials', async () => {
    let credentials = { accessKeyId: 'key', secretAccessKey: 'one' }
    const sign = createS3Signer('eu-central-1', () => Promise.resolve(credentials))
    const request = { ...base, path: '/bucket/x', headers: { host } }
    await sign(request)
    credentials = { accessKeyId: 'key', secretAccessKey: 'two' }
    const headers = await sign(request)
    expect(headers).toEqual(await expected(request, credentials, headers['x-amz-date'] ?? ''))
  })
})
