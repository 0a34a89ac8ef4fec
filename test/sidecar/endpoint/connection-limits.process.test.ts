import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../support/free-port.ts'
import { eventually } from '../../support/time/eventually.ts'
import { newFolderAttempt, Uploader, write } from '../uploader-process.ts'

const port = await freePort()
const halfOpen = 12_000
const url = `http://127.0.0.1:${port}`

it('12,000 half-open requests cost the uploader no memory, and it goes on', async () => {
  const made = newFolderAttempt({ UPLOADER_PORT: String(port), PRE_STOP_TOKEN: 'token', END_KEY: 'key' })
  write(made, 'file', 'content')
  const uploader = await new Uploader(made).ready()
  await eventually(() => fetch(`${url}/ready`))
  const pid = uploader.programPid()
  const before = residentMebibytes(pid)
  const open = new Set<Socket>()
  onTestFinished(() => {
    for (const socket of open) socket.destroy()
  })
  for (let made = 0; made < halfOpen; made += 100)
    await Promise.all(Array.from({ length: 100 }, () => openHalf(open)))
  expect(residentMebibytes(pid) - before).toBeLessThan(40)
  await eventually(() => expect(open.size).toBeLessThanOrEqual(8))
  // Those that stay are closed for lateness.
  await eventually(() => expect(open.size).toBe(0), { within: 20_000 })
  expect((await fetch(`${url}/stop/token`)).status).toBe(200)
  expect(uploader.programPid()).toBe(pid)
  expect(await uploader.terminate().exit()).toBe(0)
})

it('a request of which a byte comes every second is closed after five', async () => {
  const made = newFolderAttempt({ UPLOADER_PORT: String(port), PRE_STOP_TOKEN: 'token', END_KEY: 'key' })
  const uploader = await new Uploader(made).ready()
  await eventually(() => fetch(`${url}/ready`))
  const open = new Set<Socket>()
  await openHalf(open)
  const [socket] = open
  const begun = Date.now()
  while (open.size > 0 && Date.now() - begun < 40_000) {
    socket?.write('x')
    await delay(1000)
  }
  expect(Date.now() - begun).toBeLessThan(20_000)
  expect(await uploader.terminate().exit()).toBe(0)
})

/** Resolves once it is connected or refused; `open` holds it until it is closed. */
function openHalf(open: Set<Socket>): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      open.add(socket)
      socket.write('POST /end HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\nx')
      resolve()
    })
    socket.resume()
    socket.on('error', () => resolve())
    socket.on('close', () => open.delete(socket))
  })
}

function residentMebibytes(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}
