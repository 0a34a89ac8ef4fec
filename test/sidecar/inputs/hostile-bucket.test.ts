import { readdirSync } from 'node:fs'
import { afterAll, expect, it } from 'vitest'
import { fetchInto, secretsFolder } from './fetch-into.ts'
import { removeCa, sourceServer } from './source-server.ts'

afterAll(removeCa)

/** Fetches `s3://bucket/in/` from a server that lists what it likes, page by page. */
async function fetchListed(page: (number: number) => string, settings = {}) {
  let pages = 0
  const { url, ca, requests } = await sourceServer((req, res) => {
    if (req.url?.includes('list-type') !== true)
      return void res.writeHead(200, { 'content-length': 1 }).end('x')
    pages += 1
    res.writeHead(200).end(`<ListBucketResult>${page(pages)}</ListBucketResult>`)
  })
  const values = { endpoint: url, accessKey: 'a', secretKey: 's' }
  const { taken, directory } = await fetchInto(
    { from: 's3://bucket/in/', secret: 'data' },
    { ca: ca.pem, ...settings },
    { secretsDirectory: secretsFolder({ data: values }), timeoutSeconds: 5 },
  )
  return { taken, directory, requests }
}

const listed = (...keys: string[]) =>
  keys.map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`).join('')

it.each([
  ['leads out of the folder', listed('in/../../out'), /can't be a file's path/],
  ['does not begin with the folder', listed('out/side'), /can't be a file's path/],
  ['is a file and a folder', listed('in/a', 'in/a/b'), /is a file and a folder/],
  ['has a line end', listed('in/a%0Ab'), /can't be a file's path/],
])('a bucket with a key that %s is refused, and nothing of it is left', async (_, page, message) => {
  const { taken, directory } = await fetchListed(() => page)
  expect(taken).toMatchObject({ kind: 'InputInvalid', message: expect.stringMatching(message) })
  expect(readdirSync(directory)).not.toContain('file')
})

it('a bucket whose list never ends is refused at the limit', async () => {
  const more = '<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>'
  const { taken } = await fetchListed((number) => listed(`in/${number}`) + more, { unpack_max_entries: 20 })
  expect(taken).toMatchObject({
    kind: 'InputInvalid',
    message: expect.stringMatching(/more than 20 files are below it/),
  })
})

it('a bucket whose pages have nothing, or no end, is given up when the time is over', async () => {
  const more = '<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>'
  for (const page of [more, 'x'.repeat(9 * 2 ** 20)]) {
    const { taken } = await fetchListed(() => page)
    expect(taken).toMatchObject({ kind: 'InputUnavailable' })
  }
})
