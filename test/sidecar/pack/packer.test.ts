import { execFileSync } from 'node:child_process'
import { openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { EntryLine } from '../../../sidecar/journal/line.ts'
import { Packer, type PackOptions } from '../../../sidecar/pack/packer.ts'
import { ResultBudget } from '../../../sidecar/pass/result-budget.ts'
import { UploadProgress } from '../../../sidecar/progress/upload-progress.ts'
import { fingerprint } from '../../../sidecar/scan/entry-of.ts'
import { OpenFile } from '../../../sidecar/scan/open-file.ts'
import { StoreCalls } from '../../../sidecar/store/store-calls.ts'
import { Buffers } from '../../../sidecar/upload/buffers.ts'
import { uploadAsIs } from '../../../sidecar/upload/file-processor.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { noResultLimits } from '../../../src/result-format/result-limits.ts'
import { type ArtifactStore, StoreError } from '../../../src/store/store.ts'
import { keysOf, objectOf } from '../stored.ts'
import { attempt, job, newFolderAttempt } from '../uploader-process.ts'

const budget = new ResultBudget(noResultLimits)
const packs = jobKeys.file(job, attempt, '~packs/')

function newPacker(options: Partial<PackOptions> = {}, faults: Partial<ArtifactStore> = {}) {
  const made = newFolderAttempt()
  const calls = new StoreCalls('store')
  const context = {
    store: { ...made.store, ...faults },
    calls,
    buffers: new Buffers(),
    progress: new UploadProgress(),
  }
  const fileOptions = { job, attempt, final: true, timesCanBeTrusted: true, budget, ...options }
  const asIs = uploadAsIs(async (path) => ({ entry: { path, type: 'file', key: 'as it is' } }), fileOptions)
  const packer = new Packer(context, fileOptions, 1000, asIs)
  const open = (name: string, content: string) => {
    const path = join(made.result, name)
    writeFileSync(path, content)
    const file = new OpenFile(openSync(path, 'r'))
    onTestFinished(() => file.close())
    return file
  }
  const pack = (path: string, file: OpenFile, known?: EntryLine) =>
    packer.process({ path, file, known, keysInUse: [] }).added
  /** Packs a file; resolves with its line once the pack is stored. */
  const stored = async (name: string, file: OpenFile, known?: EntryLine) => {
    const { line, shared } = await pack(name, file, known)
    packer.seal()
    await shared?.ended
    return shared === undefined || line === undefined ? line : shared.lineOf(line)
  }
  return { ...made, packer, calls, open, pack, stored }
}

/** Writes to the file after each of its first `times` reads. */
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

it('names packs so that they sort by time: unpacked in this order they leave the last version of each file', async () => {
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
  it('is read again until it rests, and leaves no earlier bytes in the pack', async () => {
    const { result, store, packer, open, pack } = newPacker()
    const before = await pack('a', open('a', 'quiet'))
    const busy = await pack('b', changing(open('b', 'first'.padEnd(20)), join(result, 'b'), 2))
    const after = await pack('c', open('c', 'quiet too'))
    packer.seal()
    await after.shared?.ended
    const [key = ''] = await keysOf(store, packs)
    const tar = await objectOf(store, key)
    const bytes = ({ line }: typeof before) => {
      const { offset = 0, size = 0 } = line?.entry ?? {}
      return tar.toString('latin1', offset, offset + size)
    }
    expect([before, busy, after].map(bytes)).toEqual(['quiet', 'changed 2'.padEnd(20), 'quiet too'])
    expect(execFileSync('tar', ['-tf', '-'], { input: tar }).toString()).toBe('a\nb\nc\n')
  })

  it('is left to the next pass while its worker runs', async () => {
    const { result, store, packer, open, pack } = newPacker({ final: false })
    const { line } = await pack('b', changing(open('b', 'first'.padEnd(20)), join(result, 'b'), 1))
    packer.seal()
    expect(line).toBeUndefined()
    expect(await keysOf(store, packs)).toEqual([])
  })

  it('is an error if it never stops changing', async () => {
    const { result, open, stored } = newPacker()
    const line = await stored('b', changing(open('b', 'first'.padEnd(20)), join(result, 'b'), 9))
    expect(line).toMatchObject({ entry: { path: 'b', size: 20, error: 'it changed while it was read' } })
  })

  it('has an object of its own if it has grown too large', async () => {
    const { result, pack, open } = newPacker()
    const file = open('b', 'first')
    const fill = file.fill.bind(file)
    file.fill = async (...args) => {
      const filled = await fill(...args)
      writeFileSync(join(result, 'b'), Buffer.alloc(1001))
      return filled
    }
    expect(await pack('b', file)).toEqual({ line: { entry: { path: 'b', type: 'file', key: 'as it is' } } })
  })
})

describe('a file that the store has', () => {
  it.each([true, false])('stays where it is (with its times known: %s)', async (timesKnown) => {
    const { store, open, stored } = newPacker()
    const first = await stored('a', open('a', 'the same'))
    if (first === undefined || first === 'halted') throw new Error('not stored')
    const file = open('a', 'the same')
    const known = { entry: first.entry, ...(timesKnown && { fingerprint: fingerprint(file.opened) }) }
    const { key, offset, etag } = first.entry
    expect(await stored('a', file, known)).toMatchObject({ entry: { key, offset, etag } })
    expect(await keysOf(store, packs)).toHaveLength(1)
  })

  it('is packed again if its bytes differ', async () => {
    const { store, open, stored } = newPacker()
    const first = await stored('a', open('a', 'the same'))
    if (first === undefined || first === 'halted') throw new Error('not stored')
    const again = await stored('a', open('a', 'not same'), { entry: first.entry })
    expect(again).not.toMatchObject({ entry: { key: first.entry.key } })
    expect(await keysOf(store, packs)).toHaveLength(2)
  })
})

describe('a pack that cannot be stored', () => {
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

  it('gives its files no line after a halt', async () => {
    const never = () => new Promise<never>(() => {})
    const { calls, open, pack, packer } = newPacker(
      {},
      { put: (_key, _body, signal) => Promise.race([never(), aborted(signal)]) },
    )
    const { line, shared } = await pack('a', open('a', 'content'))
    packer.seal()
    await calls.halt(0)
    await shared?.ended
    expect(line && shared?.lineOf(line)).toBe('halted')
  })

  it('is not sent once it is dropped, and frees its buffer', async () => {
    const { store, open, pack, packer } = newPacker()
    const { line, shared } = await pack('a', open('a', 'content'))
    packer.drop()
    await shared?.ended
    expect(line && shared?.lineOf(line)).toBe('halted')
    expect(await keysOf(store, packs)).toEqual([])
  })
})

function aborted(signal?: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason))
  })
}
