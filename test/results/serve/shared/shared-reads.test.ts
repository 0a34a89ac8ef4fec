import { createHash, randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import type { CheckedFile } from '../../../../src/results/serve/shared/checked-file.ts'
import { SharedReads } from '../../../../src/results/serve/shared/shared-reads.ts'
import { relay } from '../../../../src/store/relay.ts'
import type { Sink } from '../../../../src/util/sink.ts'
import { folderStore } from '../../../result-format/fixtures.ts'

const mebibyte = 1024 * 1024

/** A file in a store that counts its reads and overwrites each chunk after the sink has taken it. */
async function stored(size: number, more: { sha256?: string; breaksAt?: number; gate?: Promise<void> } = {}) {
  const content = randomBytes(size)
  const store = await folderStore()
  await store.put('file', content)
  const sha256 = more.sha256 ?? createHash('sha256').update(content).digest('hex')
  const starts: number[] = []
  const ended: unknown[] = []
  const file: CheckedFile = {
    id: sha256,
    size,
    async read(start, sink, signal) {
      starts.push(start)
      await more.gate
      let position = start
      const lent: Sink = async (chunk) => {
        signal?.throwIfAborted()
        position += chunk.length
        if (position > (more.breaksAt ?? size)) throw new Error('the store broke off')
        await sink(chunk)
        chunk.fill(0xdd)
      }
      const reading = relay(store, 'file', () => lent, { offset: start, length: size - start })
      await reading.catch((error: unknown) => {
        ended.push(error)
        throw error
      })
    },
    check(actual) {
      if (actual !== sha256) throw new Error('its SHA-256 is another one')
    },
  }
  return { content, file, starts, ended }
}

/** A reader that keeps its bytes; it stops before it takes a chunk from `stopAt` on, until go(). */
function reader(stopAt = Number.POSITIVE_INFINITY) {
  const chunks: Buffer[] = []
  let length = 0
  const stopped = Promise.withResolvers<void>()
  const going = Promise.withResolvers<void>()
  const sink: Sink = async (chunk) => {
    if (length >= stopAt) {
      stopped.resolve()
      await going.promise
    }
    length += chunk.length
    chunks.push(Buffer.from(chunk))
  }
  return {
    sink,
    stopped: stopped.promise,
    go: going.resolve,
    bytes: () => Buffer.concat(chunks),
    get length() {
      return length
    },
  }
}

function has(got: { bytes(): Buffer }, content: Buffer): boolean {
  return got.bytes().equals(content)
}

it('readers that begin together get the same bytes with one read of the store', async () => {
  const { content, file, starts } = await stored(20 * mebibyte)
  const reads = new SharedReads()
  const readers = Array.from({ length: 20 }, () => reader())
  await Promise.all(readers.map(({ sink }) => reads.send(file, sink)))
  expect(readers.every((each) => has(each, content))).toBe(true)
  expect(starts).toEqual([0])
})

it('a reader alone gets the chunks of the store without a copy', async () => {
  const { content, file } = await stored(20 * mebibyte)
  const given = new Set<ArrayBufferLike>()
  const noted: CheckedFile = {
    ...file,
    read: (start, sink) =>
      file.read(start, async (chunk) => {
        given.add(chunk.buffer)
        await sink(chunk)
      }),
  }
  const alone = reader()
  const sink: Sink = async (chunk) => {
    expect(given.has(chunk.buffer)).toBe(true)
    await alone.sink(chunk)
  }
  await new SharedReads().send(noted, sink)
  expect(has(alone, content)).toBe(true)
})

it('later readers share a read of their own as long as its start is kept', async () => {
  const { content, file, starts } = await stored(20 * mebibyte)
  const reads = new SharedReads()
  const stopping = [mebibyte, 4 * mebibyte, 12 * mebibyte].map((stopAt) => reader(stopAt))
  const last = reader()
  const sent: Promise<void>[] = []
  const readsOfStore: number[] = []
  for (const next of [...stopping, last]) {
    sent.push(reads.send(file, next.sink))
    await (next === last ? sent.at(-1) : next.stopped)
    readsOfStore.push(starts.length)
  }
  expect(readsOfStore).toEqual([1, 2, 2, 3])
  for (const { go } of stopping) go()
  await Promise.all(sent)
  for (const each of [...stopping, last]) expect(has(each, content)).toBe(true)
  expect(starts).toEqual([0, 0, 0])
})

it('no reader waits for a slower one, which reads the rest for itself and checks the whole', async () => {
  const { content, file, starts } = await stored(20 * mebibyte)
  const reads = new SharedReads()
  const slow = [reader(0), reader(mebibyte), reader(3 * mebibyte)]
  const fast = Array.from({ length: 5 }, () => reader())
  const slowly = slow.map(({ sink }) => reads.send(file, sink))
  await Promise.all(fast.map(({ sink }) => reads.send(file, sink)))
  await Promise.all(slow.map(({ stopped }) => stopped))
  expect(fast.every((each) => has(each, content))).toBe(true)
  for (const { go } of slow) go()
  await Promise.all(slowly)
  expect(slow.every((each) => has(each, content))).toBe(true)
  expect(starts.length).toBeLessThanOrEqual(1 + slow.length)
})

it('readers that were left behind together share the next read', async () => {
  const { content, file, starts } = await stored(20 * mebibyte)
  const reads = new SharedReads()
  const slow = Array.from({ length: 10 }, () => reader(2 * mebibyte))
  const slowly = slow.map(({ sink }) => reads.send(file, sink))
  await reads.send(file, reader().sink)
  await Promise.all(slow.map(({ stopped }) => stopped))
  for (const { go } of slow) go()
  await Promise.all(slowly)
  expect(slow.every((each) => has(each, content))).toBe(true)
  expect(starts).toHaveLength(2)
})

it('the others go on when the reader that began disconnects', async () => {
  const { content, file, starts } = await stored(20 * mebibyte)
  const reads = new SharedReads()
  const first = reads.send(file, () => Promise.reject(new Error('disconnected')))
  const others = [reader(), reader()]
  const sent = others.map(({ sink }) => reads.send(file, sink))
  await expect(first).rejects.toThrow('disconnected')
  await Promise.all(sent)
  expect(others.every((each) => has(each, content))).toBe(true)
  expect(starts).toEqual([0])
})

it('a reader that leaves while it waits for the store is let go; the last one ends the read', async () => {
  const gate = Promise.withResolvers<void>()
  const { file, ended } = await stored(20 * mebibyte, { gate: gate.promise })
  const reads = new SharedReads()
  const leaving = [new AbortController(), new AbortController()]
  const sent = leaving.map(({ signal }) => reads.send(file, reader().sink, signal))
  for (const [number, controller] of leaving.entries()) {
    controller.abort(new Error('left'))
    await expect(sent[number]).rejects.toThrow('left')
  }
  gate.resolve()
  await expect.poll(() => ended).toHaveLength(1)
})

it('damage cuts every reader off before the last chunk, also those that were left behind', async () => {
  const { file } = await stored(20 * mebibyte, { sha256: '0'.repeat(64) })
  const reads = new SharedReads()
  const slow = reader(mebibyte)
  const readers = [slow, reader(), reader()]
  const sent = readers.map(({ sink }) => reads.send(file, sink))
  sent[0]?.catch(() => {})
  for (const each of sent.slice(1)) await expect(each).rejects.toThrow('SHA-256')
  slow.go()
  await expect(sent[0]).rejects.toThrow('SHA-256')
  for (const { length } of readers) expect(length).toBeLessThan(file.size)
})

it('an error of the store reaches all that share the read, and later readers read anew', async () => {
  const { file, starts } = await stored(20 * mebibyte, { breaksAt: 10 * mebibyte })
  const reads = new SharedReads()
  const readers = [reader(), reader(), reader()]
  const sent = await Promise.allSettled(readers.map(({ sink }) => reads.send(file, sink)))
  expect(sent.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  for (const { length } of readers) expect(length).toBeGreaterThan(9 * mebibyte)
  await expect(reads.send(file, reader().sink)).rejects.toThrow('broke off')
  expect(starts).toEqual([0, 0])
})

it('files beyond those that may keep blocks are read by each reader alone', async () => {
  const files = await Promise.all(Array.from({ length: 9 }, () => stored(9 * mebibyte)))
  const reads = new SharedReads()
  const stopping = files.map(() => [reader(0), reader(0)])
  const sent = files.flatMap(({ file }, number) =>
    (stopping[number] ?? []).map(({ sink }) => reads.send(file, sink)),
  )
  await Promise.all(stopping.flat().map(({ stopped }) => stopped))
  expect(files.map(({ starts }) => starts.length)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 2])
  for (const { go } of stopping.flat()) go()
  await Promise.all(sent)
  for (const [number, { content }] of files.entries())
    expect(stopping[number]?.every((each) => has(each, content))).toBe(true)
})
