import { createHash, randomBytes } from 'node:crypto'
import { openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { OpenFile } from '../../../sidecar/scan/open-file.ts'
import { Halted } from '../../../sidecar/store/store-calls.ts'
import { Buffers, wholeBytes } from '../../../sidecar/upload/buffers.ts'
import { digestFile } from '../../../sidecar/upload/digest-file.ts'
import { newAttempt } from '../uploader-process.ts'

const content = randomBytes(2 * wholeBytes + 1)

/** A reading of `content`, and how often bytes of it were read. */
function newReading() {
  const path = join(newAttempt().result, 'file')
  writeFileSync(path, content)
  const file = new OpenFile(openSync(path, 'r'))
  onTestFinished(() => file.close())
  const fill = file.fill.bind(file)
  const read = { times: 0 }
  file.fill = (...args) => {
    read.times += 1
    return fill(...args)
  }
  return { read, reading: { file, stat: file.stat(), name: 'file' } }
}

it('gives the SHA-256 of the whole file', async () => {
  const { reading } = newReading()
  const sha256 = createHash('sha256').update(content).digest('hex')
  expect(await digestFile(reading, new Buffers(), new AbortController().signal)).toBe(sha256)
})

it('reads nothing more after a halt, even if it waited for a buffer', async () => {
  const { read, reading } = newReading()
  const buffers = new Buffers()
  const halt = new AbortController()
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const holders = [1, 2, 3, 4].map(() => buffers.useFor(wholeBytes, () => held))
  const digest = digestFile(reading, buffers, halt.signal)
  halt.abort()
  release()
  await expect(digest).rejects.toThrow(Halted)
  await Promise.all(holders)
  expect(read.times).toBe(0)
})
