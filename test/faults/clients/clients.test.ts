import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { get, rawClient, slowReader, until } from '../../support/api/raw-client.ts'
import { connections, residentBytes } from '../../support/process-facts.ts'
import { type EmbeddedOnS3, embeddedOnS3 } from '../embedded-on-s3.ts'
import { atLength, fault, outageSeconds } from '../plan.ts'

const bigBytes = 96 * 1024 * 1024
const readers = 50
const mebibyte = 1024 * 1024

let on: EmbeddedOnS3
let big: string
let many: string
/** SHA-256 of the big file in hex, computed by its worker. */
let sha256: string

beforeAll(async () => {
  on = await embeddedOnS3({
    big: `cd $RESULT_DIRECTORY; head -c ${bigBytes} /dev/urandom >big; sha256sum big >sum`,
    many: 'cd $RESULT_DIRECTORY; for i in $(seq 300); do head -c 20000 /dev/urandom >$i; done',
  })
  ;[big, many] = await Promise.all([on.run('big'), on.run('many')])
  const sum = await fetch(`${on.api.url}/job/${big}/result?file=sum`)
  sha256 = (await sum.text()).slice(0, 64)
})
afterAll(() => on?.close())

const bigFile = () => `/job/${big}/result?file=big`
/** `count` requests for it: the whole file, for which clients share a read, and ranges in turn. */
const downloads = (count: number) =>
  Array.from({ length: count }, (_, n) => get(bigFile(), n % 2 === 0 ? [] : [`Range: bytes=${n}-`]))
/** The reads of the store for them: one for each range, and at least one for the whole file. */
const readsOf = (count: number) => count / 2 + 1
const toStore = () => connections(on.api.pid, 'to', on.storePort)
/**
 * Store connections of unfinished downloads: they have unread bytes, because their clients read
 * slowly. The other connections stay open for seconds for the next request.
 */
const read = async () => (await toStore()).unread
const resident = () => residentBytes(on.api.pid)

describe('slow clients', () => {
  fault(
    `${readers} clients read one byte a second → under 2 MiB each, and a fast client reads at full speed`,
    60,
    async () => {
      await settled()
      const alone = Math.min(await expectWhole(), await expectWhole(), await expectWhole())
      await settled()
      const before = await resident()
      const slow = await Promise.all(downloads(readers).map((request) => slowReader(on.api.url, request)))
      await until(async () => (await read()) >= readsOf(readers))
      const samples: number[] = []
      for (let second = 0; second < outageSeconds + 3; second += 1) {
        await sleep(1000)
        samples.push((await resident()) - before)
      }
      const { all } = await toStore()
      const beside = Math.min(await expectWhole(), await expectWhole(), await expectWhole())
      const most = Math.max(...samples)
      console.info(
        `${readers} slow readers: ${mib(most)} MiB, ${mib(most / readers)} each, of it ` +
          `${mib((samples.at(-1) ?? 0) - (samples[2] ?? 0))} after the third second; ${all} connections to the store; ` +
          `a fast reader beside them: ${Math.round(beside)} ms, alone ${Math.round(alone)} ms`,
      )
      expect(most / readers).toBeLessThan(2 * mebibyte)
      expect(all).toBeLessThanOrEqual(readers + 10)
      expect(beside).toBeLessThan(3 * alone + 2000)
      for (const socket of slow) socket.destroy()
      await until(async () => (await read()) === 0, 5000)
    },
  )

  fault('1,000 connections are idle → other clients get answers within a second', 60, async () => {
    await settled()
    const before = await resident()
    const idle = await Promise.all(Array.from({ length: 1000 }, () => rawClient(on.api.url)))
    const port = Number(new URL(on.api.url).port)
    await until(async () => (await connections(on.api.pid, 'on', port)).all >= 1000)
    const times: number[] = []
    for (let n = 0; n < 20; n += 1) {
      const began = performance.now()
      expect((await fetch(`${on.api.url}/job/${big}`)).status).toBe(200)
      times.push(performance.now() - began)
    }
    await expectWhole()
    const grown = (await resident()) - before
    console.info(`1,000 idle: ${mib(grown)} MiB, slowest of 20 answers ${Math.round(Math.max(...times))} ms`)
    expect(grown).toBeLessThan(64 * mebibyte)
    // Their median: other work of the machine may hold one up.
    expect(times.toSorted((a, b) => a - b)[times.length / 2]).toBeLessThan(1000)
    const took = await until(() => idle.every(({ socket }) => socket.readyState !== 'open'), 40_000)
    console.info(`1,000 idle: all were closed ${Math.round(took / 1000)} s later`)
  })
})

describe('clients that vanish', () => {
  for (const how of ['RST', 'FIN', 'no more reading'] as const) {
    fault(
      `30 clients give up a download in the middle (${how}) → the connections to the store end`,
      30,
      async () => {
        await settled()
        const clients = await Promise.all(
          downloads(30).map(async (request) => {
            const client = await rawClient(on.api.url, request)
            client.socket.once('data', () => client.socket.pause())
            return client
          }),
        )
        await until(async () => (await read()) >= readsOf(30))
        for (const { socket } of clients) end(socket, how)
        const took = await until(async () => (await read()) === 0, 5000)
        console.info(`${how}: nothing was read from the store any more after ${took} ms`)
        for (const { socket } of clients) socket.destroy()
        await expectWhole()
      },
    )
  }

  fault(
    'a client vanishes with 20 pipelined downloads → the API has begun only one of them',
    30,
    async () => {
      await settled()
      const { socket } = await rawClient(on.api.url, get(bigFile()).repeat(20))
      socket.pause()
      await until(async () => (await read()) === 1)
      await sleep(1000)
      const reads = await read()
      socket.resetAndDestroy()
      expect(reads).toBe(1)
      await until(async () => (await read()) === 0, 5000)
    },
  )

  fault(
    'clients give up hundreds of tar downloads → memory stays flat, connections to the store end',
    120,
    async () => {
      await tars(100)
      const before = await resident()
      await tars(atLength ? 1000 : 100)
      const grown = (await resident()) - before
      console.info(`tars given up: ${mib(grown)} MiB more resident, of ${mib(before)} MiB`)
      // Memory grows to about 320 MiB in the first 800 downloads and stays there up to 1,800.
      expect(await resident()).toBeLessThan(400 * mebibyte)
      await expectWhole()
    },
  )
})

/**
 * Reads the big file at full speed and checks its bytes. Resolves with the milliseconds it took.
 */
async function expectWhole(): Promise<number> {
  const began = performance.now()
  const response = await fetch(on.api.url + bigFile())
  expect(response.status).toBe(200)
  const hash = createHash('sha256')
  for await (const chunk of response.body ?? []) hash.update(chunk)
  expect(hash.digest('hex')).toBe(sha256)
  return performance.now() - began
}

async function tars(count: number): Promise<void> {
  for (let done = 0; done < count; done += 10) {
    const clients = await Promise.all(
      Array.from({ length: 10 }, (_, n) => rawClient(on.api.url, get(`/job/${n % 2 ? many : big}/result`))),
    )
    const oneByOne = clients.map(async ({ socket }) => {
      await once(socket, 'data')
      socket.resetAndDestroy()
    })
    await Promise.all(oneByOne)
  }
  await settled()
}

/** Resolves once no download is under way. */
async function settled(): Promise<void> {
  await until(async () => (await read()) === 0, 5000)
}

function end(socket: Socket, how: 'RST' | 'FIN' | 'no more reading'): void {
  if (how === 'RST') socket.resetAndDestroy()
  // A client may read on after its FIN; this client is paused.
  else if (how === 'FIN') socket.end()
  else socket.destroy()
}

function mib(bytes: number): string {
  return (bytes / mebibyte).toFixed(1)
}
