import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { type ArtifactStore, type ObjectBody, StoreError } from '../../../../src/store/store.ts'
import { patientClock } from '../../../support/time/fast-clock.ts'
import { putFile, serve } from '../../served.ts'

/** More than one read keeps, and than the connections between API and readers hold. */
const content = randomBytes(20 * 2 ** 20)
const count = 4

/** Serves `content` to `count` readers at once; whole reads wait for open(). */
async function served(change: (body: ObjectBody, offset: number) => ObjectBody = (body) => body) {
  const gate = Promise.withResolvers<void>()
  const offsets: number[] = []
  const bodies: ObjectBody[] = []
  const faults = (store: ArtifactStore): ArtifactStore => ({
    ...store,
    async get(key, options = {}) {
      if (!key.includes('/files/')) return await store.get(key, options)
      const { offset = 0 } = options
      offsets.push(offset)
      if (offset === 0) await gate.promise
      const body = await store.get(key, options)
      bodies.push(body)
      return change(body, offset)
    },
  })
  const make = async (store: ArtifactStore) => [await putFile(store, 'big.png', content)]
  const options = { faults, downloads: count, clock: patientClock }
  const { url, logged } = await serve(make, options)
  return { url: `${url}?file=big.png`, logged, offsets, bodies, open: gate.resolve }
}

interface Reading {
  status: number
  /** Rejects if the answer is cut off. */
  bytes(): Promise<Buffer>
  leave(): void
}

/** Begins `count` reads; resolves with them once all of them are in the API. */
async function begin(url: string): Promise<Promise<Reading>[]> {
  const readings = Array.from({ length: count }, () => read(url))
  // Each reader has a slot, also one that shares a read: then there is none for a range.
  const rangeStatus = async () => {
    const { status } = await readRange(url)
    return (await askAgain(readings, url)) ? undefined : status
  }
  await expect.poll(rangeStatus, { timeout: 50_000 }).toBe(503)
  return readings
}

/** Repeats the reads that were refused, since a range had the last slot. True if there were any. */
async function askAgain(readings: Promise<Reading>[], url: string): Promise<boolean> {
  const early = await Promise.all(readings.map((reading) => Promise.race([reading, undefined])))
  for (const [index, reading] of early.entries()) {
    if (reading === undefined) continue
    reading.leave()
    readings[index] = read(url)
  }
  return early.some((reading) => reading !== undefined)
}

async function readRange(url: string): Promise<{ status: number; bytes: Buffer }> {
  const response = await fetch(url, { headers: { range: 'bytes=5-9' } })
  return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) }
}

function read(url: string): Promise<Reading> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false }, (response) => {
      const { statusCode: status = 0 } = response
      response.on('error', () => {})
      resolve({
        status,
        bytes: async () => Buffer.concat(await response.toArray()),
        leave: () => asked.destroy(),
      })
    })
    asked.on('error', reject).end()
  })
}

it('readers that ask at the same time share one read of the store, and each has a slot', async () => {
  const { url, offsets, open } = await served()
  const readings = await begin(url)
  open()
  for (const reading of await Promise.all(readings))
    expect((await reading.bytes()).equals(content)).toBe(true)
  expect(offsets.filter((offset) => offset === 0)).toHaveLength(1)
})

it('a range is read for itself while others share a read', async () => {
  const { url, offsets, open } = await served()
  const readings = await begin(url)
  open()
  const [first, ...others] = await Promise.all(readings)
  first?.leave()
  const part = { status: 206, bytes: content.subarray(5, 10) }
  await expect.poll(() => readRange(url), { timeout: 60_000 }).toEqual(part)
  expect(offsets).toContain(5)
  for (const reading of others) expect((await reading.bytes()).equals(content)).toBe(true)
})

it('the read ends once all readers have left', async () => {
  const { url, bodies, open } = await served()
  const readings = await begin(url)
  open()
  for (const { leave } of await Promise.all(readings)) leave()
  await expect.poll(() => bodies.every(({ stream }) => stream.destroyed), { timeout: 60_000 }).toBe(true)
})

it('the rest is read for all readers if the store breaks off', async () => {
  const { url, offsets, open } = await served((body, offset) => (offset === 0 ? broken(body) : body))
  const readings = await begin(url)
  open()
  for (const reading of await Promise.all(readings))
    expect((await reading.bytes()).equals(content)).toBe(true)
  expect(offsets.filter((offset) => offset >= brokenAt).length).toBeGreaterThan(0)
})

it('all readers are cut off if the store breaks off for good', async () => {
  const { url, open } = await served((body, offset) => (offset === 5 ? body : broken(body)))
  const readings = await begin(url)
  open()
  for (const reading of await Promise.all(readings)) await expect(reading.bytes()).rejects.toThrow('aborted')
})

it('all readers get 503 if the store fails before the first byte', async () => {
  const refused = ({ stream }: ObjectBody) => {
    stream.destroy()
    throw new StoreError('unavailable', 'connection refused')
  }
  const { url, open } = await served((body, offset) => (offset === 0 ? refused(body) : body))
  const readings = await begin(url)
  open()
  expect((await Promise.all(readings)).map(({ status }) => status)).toEqual(Array(count).fill(503))
})

const brokenAt = 4 * 2 ** 20

/** The body up to `brokenAt`, or an error at once if it begins behind that. */
function broken(body: ObjectBody): ObjectBody {
  let left = brokenAt - (content.length - body.length)
  const pieces = async function* () {
    for await (const piece of body.stream as AsyncIterable<Buffer>) {
      if (left <= 0) break
      yield piece.subarray(0, left)
      left -= piece.length
    }
    throw new StoreError('unavailable', 'reset by peer')
  }
  return { ...body, stream: Readable.from(pieces(), { objectMode: false }) }
}
