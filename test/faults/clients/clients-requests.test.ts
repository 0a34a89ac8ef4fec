import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { form } from '../../http/client.ts'
import { get, type RawClient, rawClient, until } from '../../support/api/raw-client.ts'
import { residentBytes } from '../../support/process-facts.ts'
import { type MinioProcess, startMinioProcess } from '../../support/store/minio-process.ts'
import { openUploads } from '../../support/store/open-uploads.ts'
import { type EmbeddedOnS3, embeddedOnS3 } from '../embedded-on-s3.ts'
import { fault } from '../plan.ts'

/**
 * docs/http.md: a request's headers must arrive within 20 s; the server checks every 2 s. The rest
 * is for a slow machine.
 */
const headerSeconds = 45
const content = 'a line that is 27 bytes long\n'.repeat(10_000)

let minio: MinioProcess
let folder: string
let on: EmbeddedOnS3
let file: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'minio-'))
  minio = await startMinioProcess({ folder })
  const scripts = {
    file: `cd $RESULT_DIRECTORY; for i in $(seq 10000); do echo 'a line that is 27 bytes long'; done >file`,
  }
  on = await embeddedOnS3(scripts, minio)
  file = `/job/${await on.run('file')}/result?file=file`
})
afterAll(async () => {
  await on?.close()
  await minio?.close()
  await rm(folder, { recursive: true, force: true })
})

describe('an unfinished request', () => {
  fault(
    'headers never end, or arrive one byte a second → 408, and other clients get answers meanwhile',
    40,
    async () => {
      const began = performance.now()
      const silent = await Promise.all(Array.from({ length: 20 }, () => client('')))
      const half = await Promise.all(
        Array.from({ length: 20 }, () => client('GET / HTTP/1.1\r\nHost: local')),
      )
      const dripping = await Promise.all(Array.from({ length: 20 }, () => client('GET / HTTP/1.1\r\nX: ')))
      const drip = setInterval(() => {
        for (const { socket } of dripping) if (socket.writable) socket.write('x')
      }, 1000)
      await expectWhole()
      const all = [...silent, ...half, ...dripping]
      await Promise.all(all.map(({ over }) => over))
      clearInterval(drip)
      const seconds = (performance.now() - began) / 1000
      console.info(`60 unfinished requests were over after ${seconds.toFixed(1)} s`)
      expect(seconds).toBeLessThan(headerSeconds)
      for (const { text } of [...half, ...dripping]) expect(text()).toMatch(/^HTTP\/1\.1 408 /)
      await expectWhole()
    },
  )

  fault('clients vanish while they upload inputs → nothing is left in the store', 40, async () => {
    const before = await on.keys()
    const clients = await Promise.all(Array.from({ length: 4 }, () => client(beginningOfInput())))
    const block = Buffer.alloc(1024 * 1024, 'input')
    // More than one part, so that each client has an open multipart upload.
    await Promise.all(clients.map(({ socket }) => sendAll(socket, block, 20)))
    await until(async () => (await openUploads(folder)).length === clients.length)
    for (const [index, { socket }] of clients.entries()) {
      if (index % 2 === 0) socket.resetAndDestroy()
      else socket.destroy()
    }
    const took = await until(async () => (await openUploads(folder)).length === 0)
    console.info(`4 uploads in parts were dropped ${took} ms after their senders had gone`)
    await until(async () => (await on.keys()).length === before.length)
    expect(await on.keys()).toEqual(before)
    expect(on.api.log.filter((line) => line.includes('"internal"'))).toEqual([])
  })
})

describe('unusual requests', () => {
  fault('a request asks for 200 ranges → the answer is the whole file, once', 20, async () => {
    const ranges = Array.from({ length: 200 }, (_, n) => `${n * 10}-${n * 10 + 4}`).join(',')
    const before = await residentBytes(on.api.pid)
    for (let n = 0; n < 50; n += 1) {
      const answer = await fetch(on.api.url + file, { headers: { range: `bytes=${ranges}` } })
      expect(answer.status).toBe(200)
      expect(await answer.text()).toBe(content)
    }
    const grown = (await residentBytes(on.api.pid)) - before
    console.info(`50 requests for 200 ranges: ${(grown / 2 ** 20).toFixed(1)} MiB more resident`)
  })

  fault(
    'a client pipelines 50 requests → the answers come in order; 5,000 → the API cuts the connection',
    30,
    async () => {
      const paths = Array.from({ length: 50 }, (_, n) => `/job/none-${n}`)
      const polite = await client(paths.map((path) => get(path)).join(''))
      await until(() => polite.text().split('HTTP/1.1 400').length === 51)
      const order = Array.from(polite.text().matchAll(/none-(\d+)/g), ([, n]) => Number(n))
      expect(order).toEqual(order.toSorted((a, b) => a - b))
      polite.socket.destroy()
      const rude = await client(get(file).repeat(5000))
      await rude.over
      await expectWhole()
    },
  )

  fault(
    'a client of HTTP/1.0 reads a file → the file comes whole, then the connection ends',
    20,
    async () => {
      const old = await client(get(file, [], '1.0'))
      expect(await old.over).toBe('end')
      expect(old.text()).toMatch(/^HTTP\/1\.1 200 /)
      expect(old.text().endsWith(`\r\n\r\n${content}`)).toBe(true)
      expect(old.text()).not.toContain('Transfer-Encoding')
    },
  )

  fault(
    'headers take 100 KiB, or the bytes are not HTTP → 431 or 400, then the connection ends',
    20,
    async () => {
      const large = await client(get('/', [`X-Large: ${'x'.repeat(100 * 1024)}`]))
      await large.over
      expect(large.text()).toMatch(/^HTTP\/1\.1 431 /)
      const other = await client('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello over TLS\r\n\r\n')
      await other.over
      expect(other.text()).toMatch(/^HTTP\/1\.1 400 /)
      await expectWhole()
    },
  )
})

function client(first: string): Promise<RawClient> {
  return rawClient(on.api.url, first)
}

async function expectWhole(): Promise<void> {
  const answer = await fetch(on.api.url + file)
  expect(answer.status).toBe(200)
  expect(await answer.text()).toBe(content)
}

/** A deploy request up to the first byte of its input; its Content-Length announces 1 GiB. */
function beginningOfInput(): string {
  const { headers, body } = form(
    { name: 'request', content: '{"job": "file"}' },
    { name: 'input', filename: 'large.bag', content: 'MARK' },
  )
  const head = ['POST /job/deploy HTTP/1.1', 'Host: localhost', 'Content-Length: 1073741824']
  const type = `Content-Type: ${headers['content-type']}`
  return [...head, type, '', body.subarray(0, body.indexOf('MARK')).toString('latin1')].join('\r\n')
}

async function sendAll(socket: RawClient['socket'], block: Buffer, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    if (!socket.write(block)) await new Promise((resolve) => socket.once('drain', resolve))
    await sleep(1)
  }
}
