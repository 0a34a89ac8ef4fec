import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import { expect, it, onTestFinished } from 'vitest'
import { watchReader } from '../../../src/http/limits/reader-speed.ts'
import { createLimitedServer } from '../../../src/http/limits/server-limits.ts'
import { sinkOf } from '../../../src/util/sink.ts'
import { get } from '../../support/api/raw-client.ts'
import { listenForTest } from '../../support/listen.ts'

const mebibyte = 1024 * 1024

it('ends an answer whose reader takes little, though never nothing', async () => {
  const { url, ended } = await serve(0)
  const socket = await reader(url, 20)
  expect(await ended).toBeLessThan(256)
  socket.destroy()
})

it('does not end the answer of a fast reader, however slow the store is', async () => {
  const { url, ended } = await serve(100)
  const socket = await reader(url, undefined)
  expect(await ended).toBe(256)
  socket.destroy()
})

/**
 * Sends 256 chunks of 1 MiB, or of 1 byte with a pause before each; `ended` has the number that was
 * taken.
 */
async function serve(pause: number): Promise<{ url: string; ended: Promise<number> }> {
  const { promise: ended, resolve } = Promise.withResolvers<number>()
  const app = express()
  app.get('/', async (_req, res) => {
    const write = watchReader(res, sinkOf(res), { reader: 1000, readerBytes: 4 * mebibyte })
    let sent = 0
    try {
      for (; sent < 256; sent += 1) {
        if (pause > 0) await sleep(pause / 10)
        await write(Buffer.alloc(pause > 0 ? 1 : mebibyte))
      }
      res.end()
    } catch {}
    resolve(sent)
  })
  return { url: await listenForTest(createLimitedServer(app)), ended }
}

/** Reads 1 KiB every `every` milliseconds, or all at once. */
async function reader(url: string, every: number | undefined) {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  socket.write(get('/'))
  if (every === undefined) socket.resume()
  else {
    const timer = setInterval(() => socket.read(1024), every)
    socket.once('close', () => clearInterval(timer))
  }
  return socket
}
