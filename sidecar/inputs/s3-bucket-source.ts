import type { FileHandle } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { isRelativePath } from '../../src/job/request/syntax.ts'
import { encodeKey, encodeQuery } from '../../src/store/s3/s3-encode.ts'
import { createS3Signer } from '../../src/store/s3/s3-signer.ts'
import { elements, elementText } from '../../src/store/s3/s3-xml.ts'
import { defined } from '../../src/util/objects.ts'
import { boundedText } from '../../src/util/text/bounded-text.ts'
import type { FolderSource } from './fetch-folder.ts'
import { BadStatus, HttpDownload } from './http-download.ts'
import type { HttpGet } from './http-get.ts'
import { InputError } from './input-error.ts'
import { demanded, type SourceSecret } from './source-secret.ts'

/** A bucket that inputs come from, with the keys and the address of a Secret. */
export interface BucketSource {
  /** An object's bytes: as HttpGet, with the key in the place of the URL. */
  get: HttpGet
  /**
   * One page of the keys that begin with the prefix, in the order of their bytes. `after`: the
   * `next` of the page before; absent in the last page.
   */
  list(prefix: string, after: string | undefined, signal: AbortSignal): Promise<KeyPage>
}

export interface KeyPage {
  objects: { key: string; size: number }[]
  next?: string
}

/**
 * Each request reads the Secret anew. Rejects as `send` does, with BadStatus for each answer but
 * 200, 206 and 416, and with InputError for a Secret that can't be right.
 */
export function createBucketSource(
  bucket: string,
  secret: () => Promise<SourceSecret>,
  send: HttpGet,
): BucketSource {
  const call = async (
    key: string,
    query: Record<string, string>,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ) => {
    const { endpoint, region, credentials } = bucketAccessOf(await secret())
    const { protocol, hostname, host, origin } = endpoint
    const path = `/${bucket}/${encodeKey(key)}`
    const sign = createS3Signer(region, () => Promise.resolve(credentials))
    const signed = await sign({
      method: 'GET',
      protocol,
      hostname,
      path,
      query,
      headers: { ...headers, host },
    })
    const answer = await send(`${origin}${path}${encodeQuery(query)}`, signed, signal)
    if ([200, 206, 416].includes(answer.statusCode ?? 0)) return answer
    throw new BadStatus(answer.statusCode ?? 0, await problemOf(answer))
  }

  return {
    get: (key, headers, signal) => call(key, {}, headers, signal),

    async list(prefix, after, signal) {
      const query = {
        'list-type': '2',
        'encoding-type': 'url',
        prefix,
        ...defined({ 'continuation-token': after }),
      }
      const xml = await boundedText(await call('', query, {}, signal), mostListBytes)
      if (xml === undefined) throw new Error('a page of its keys is too long')
      const objects = elements(xml, 'Contents').map((content) => ({
        key: decodeURIComponent((elementText(content, 'Key') ?? '').replaceAll('+', ' ')),
        size: Number(elementText(content, 'Size')),
      }))
      const isLast = elementText(xml, 'IsTruncated') !== 'true'
      const next = elementText(xml, 'NextContinuationToken')
      return { objects, ...(!isLast && defined({ next })) }
    },
  }
}

/** The objects below a prefix, which is empty or ends in a slash. */
export function bucketFolder(bucket: BucketSource, prefix: string): FolderSource<string> {
  return {
    async page(after, signal) {
      const { objects, next } = await bucket.list(prefix, after, signal)
      const files = objects.filter(({ key }) => !key.endsWith('/'))
      const items = files.map(({ key, size }) => ({
        ...{ type: 'file' as const, path: pathBelow(prefix, key), size },
        download: (file: FileHandle) => new HttpDownload(bucket.get, key, file),
      }))
      return { items, ...defined({ next }) }
    },
  }
}

function pathBelow(prefix: string, key: string): string {
  const path = key.slice(prefix.length)
  if (key.startsWith(prefix) && isRelativePath(path)) return path
  throw new InputError('InputInvalid', `the key ${JSON.stringify(key)} can't be a file's path`)
}

const mostListBytes = 8 * 2 ** 20
const mostErrorBytes = 16 * 1024

/** Throws an Error for a Secret that isn't whole yet, and InputError for one that can't be right. */
export function bucketAccessOf(secret: SourceSecret) {
  const accessKeyId = demanded(secret, 'accessKey')
  const secretAccessKey = demanded(secret, 'secretKey')
  const { region = 'us-east-1', sessionToken } = secret
  const text = secret.endpoint ?? `https://s3.${region}.amazonaws.com`
  const endpoint = URL.canParse(text) ? new URL(text) : undefined
  if (endpoint === undefined || !/^https?:$/.test(endpoint.protocol) || endpoint.pathname !== '/') {
    const name = JSON.stringify(secret.name)
    throw new InputError('InputInvalid', `the endpoint in the Secret ${name} is no address of a store`)
  }
  return { endpoint, region, credentials: { accessKeyId, secretAccessKey, ...defined({ sessionToken }) } }
}

/** S3's own word for a refused request, as `NoSuchKey`. */
async function problemOf(answer: IncomingMessage): Promise<string | undefined> {
  const xml = await boundedText(answer, mostErrorBytes)
  return xml === undefined ? undefined : elementText(xml, 'Code')?.slice(0, 100)
}
