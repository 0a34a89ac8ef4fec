import { execFileSync } from 'node:child_process'
import { openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { KnownLine } from '../../../sidecar/known/line.ts'
import { Packer, type PackOptions } from '../../../sidecar/pack/packer.ts'
import { Progress } from '../../../sidecar/progress/progress.ts'
import { fingerprint } from '../../../sidecar/scan/entry-of.ts'
import { OpenFile } from '../../../sidecar/scan/open-file.ts'
import { StoreCalls } from '../../../sidecar/store/store-calls.ts'
import { Buffers } from '../../../sidecar/upload/buffers.ts'
import { layout } from '../../../src/artifact/layout.ts'
import { type ArtifactStore, StoreError } from '../../../src/artifact/store.ts'
import { attempt, job, keysOf, newFolderAttempt, objectOf } from '../uploader-process.ts'

const packs = layout.file(job, attempt, '~packs/')

function newPacker(options: Partial<PackOptions> = {}, faults: Partial<ArtifactStore> = {}) {
  const made = newFolderAttempt()
  const calls = new StoreCalls('store')
  const sending = {
    store: { ...made.store, ...faults },
    calls,
    buffers: new Buffers(),
    progress: new Progress(),
  }
  const packer = new Packer(sending, { job, attempt, final: true, timesCanBeTrusted: true, ...options }, 1000)
  const open = (name: string, content: string) => {
    const path = join(made.result, name)
    writeFileSync(path, content)
    const file = new OpenFile(openSync(path, 'r'))
    onTestFinished(() => file.close())
    return file
  }
  const none = () => Promise.reject(new Error('not wanted'))
  const pack = (name: string, file: OpenFile, known?: KnownLine) => packer.pack(name, file, known, none)
  /** Packs it, and gives its line once it is stored. */
  const stored = async (name: string, file: OpenFile, known?: KnownLine) => {
    const { line, pack: opened } = await pack(name, file, known)
    packer.seal()
    await opened?.ended
    return opened === undefined || line === undefined ? line : opened.lineOf(line)
  }
  return { ...made, packer, calls, open, pack, stored }
}

/** Writes to a file whenever it has been read, so many times. */
function changing(file: OpenFile, path: string, times: number): OpenFile {
  const fill = file.fill.bind(file)
  let changes = 0
  file.fill = async (...args) => {
    const filled = await fill(...args)
    changes += 1
    if (changes <= times) writeFileSync(path, `changed ${changes}`.padEnd(20))
    return filled
  }
  return file
}

it('names packs so that they sort as they were made: unpacked in that order the last version of a file stays', async () => {
  const keys: unknown[] = []
  for (let pass = 0; pass < 5; pass += 1) {
    const { open, stored } = newPacker()
    const line = await stored('a', open('a', `version ${pass}`))
    keys.push(line && line !== 'halted' && line.entry.key)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  expect(keys).toEqual(keys.toSorted())
  expect(keys[0]).toMatch(/^~packs\/\d{13}-[0-9a-f]{8}-000001\.tar$/)
})

describe('a file that changes while it is packed', () => {
  it('is read again once nothing writes any more, and leaves nothing of before in the pack', async () => {
    const { result, store, packer, open, pack } = newPacker()
    const before = await pack('a', open('a', 'quiet'))
    const busy = await pack('b', changing(open('b', 'first'.padEnd(20)), join(result, 'b'), 2))
    const after = await pack('c', open('c', 'quiet too'))
    packer.seal()
    await after.pack?.ended
    const [key = ''] = await keysOf(store, packs)
    const tar = await objectOf(store, key)
    const bytes = ({ line }: typeof before) => {
      const { offset = 0, size = 0 } = line?.entry ?? {}
      return tar.toString('latin1', offset, offset + size)
    }
    expect([before, busy, after].map(bytes)).toEqual(['quiet', 'changed 2'.padEnd(20), 'quiet too'])
    expect(execFileSync('tar', ['-tf', '-'], { input: tar }).toString()).toBe('a\nb\nc\n')
  })

  it('is left to the next scan while its worker runs', async () => {
    const { result, store, packer, open, pack } = newPacker({ final: false })
    const { line } = await pack('b', changing(open('b', 'first'.padEnd(20)), join(result, 'b'), 1))
    packer.seal()
    expect(line).toBeUndefined()
    expect(await keysOf(store, packs)).toEqual([])
  })

  it('is an error where it never stops', async () => {
    const { result, open, stored } = newPacker()
    const line = await stored('b', changing(open('b', 'first'.padEnd(20)), join(result, 'b'), 9))
    expect(line).toMatchObject({ entry: { path: 'b', size: 20, error: 'it changed while it was read' } })
  })

  it('is sent by itself where it has grown too large', async () => {
    const { result, packer, open } = newPacker()
    const file = open('b', 'first')
    const fill = file.fill.bind(file)
    file.fill = async (...args) => {
      const filled = await fill(...args)
      writeFileSync(join(result, 'b'), Buffer.alloc(1001))
      return filled
    }
    const otherwise: KnownLine = { entry: { path: 'b', type: 'file', key: 'b' } }
    expect(await packer.pack('b', file, undefined, async () => otherwise)).toEqual({ line: otherwise })
  })
})

describe('a file that the store has', () => {
  it.each([true, false])('stays where it is (its times known: %s)', async (timesKnown) => {
    const { store, open, stored } = newPacker()
    const first = await stored('a', open('a', 'the same'))
    if (first === undefined || first === 'halted') throw new Error('not stored')
    const file = open('a', 'the same')
    const known = { entry: first.entry, ...(timesKnown && { fingerprint: fingerprint(file.opened) }) }
    const { key, offset, etag } = first.entry
    expect(await stored('a', file, known)).toMatchObject({ entry: { key, offset, etag } })
    expect(await keysOf(store, packs)).toHaveLength(1)
  })

  it('is packed anew where its bytes are others', async () => {
    const { store, open, stored } = newPacker()
    const first = await stored('a', open('a', 'the same'))
    if (first === undefined || first === 'halted') throw new Error('not stored')
    const again = await stored('a', open('a', 'not same'), { entry: first.entry })
    expect(again).not.toMatchObject({ entry: { key: first.entry.key } })
    expect(await keysOf(store, packs)).toHaveLength(2)
  })
})

describe('a pack that can not be stored', () => {
  it('names each of its files with the error', async () => {
    const refused = () => Promise.reject(new StoreError('invalid', 'refused'))
    const { open, stored } = newPacker({}, { put: refused })
    expect(await stored('a', open('a', 'content'))).toEqual({
      entry: {
        path: 'a',
        type: 'file',
        size: 7,
        mode: '0644',
        mtime: expect.any(String),
        error: 'not stored: refused',
      },
      changed: true,
    })
  })

  it('says nothing of its files after a halt', async () => {
    const never = () => new Promise<never>(() => {})
    const { calls, open, pack, packer } = newPacker(
      {},
      { put: (_key, _body, signal) => Promise.race([never(), aborted(signal)]) },
    )
    const { line, pack: opened } = await pack('a', open('a', 'content'))
    packer.seal()
    await calls.halt(0)
    await opened?.ended
    expect(line && opened?.lineOf(line)).toBe('halted')
  })

  it('is not sent once it is dropped, and gives its memory back', async () => {
    const { store, open, pack, packer } = newPacker()
    const { line, pack: opened } = await pack('a', open('a', 'content'))
    packer.drop()
    await opened?.ended
    expect(line && opened?.lineOf(line)).toBe('halted')
    expect(await keysOf(store, packs)).toEqual([])
  })
})

function aborted(signal?: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason))
  })
}
