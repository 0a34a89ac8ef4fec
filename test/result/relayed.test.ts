import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/artifact/entry.ts'
import { relayedOf } from '../../src/artifact/relay.ts'
import type { ArtifactStore, RelayedBody } from '../../src/artifact/store.ts'
import { layouts } from './packed.ts'
import { putFile, serve } from './served.ts'

const contents: Record<string, Buffer> = Object.fromEntries(
  [0, 1, 4096, 70_000, 262_144, 262_145, 3_000_000, 9_000_001].map((size) => [
    `${String(size).padStart(8, '0')} bytes`,
    randomBytes(size),
  ]),
)

async function tree(store: ArtifactStore): Promise<Entry[]> {
  return Promise.all(Object.entries(contents).map(([path, content]) => putFile(store, path, content)))
}

/** A store whose chunks are of all sizes, and other bytes from the moment on at which the next one is asked for. */
function lending(store: ArtifactStore): ArtifactStore {
  async function* lent(body: RelayedBody): AsyncGenerator<Buffer, void> {
    const memory = Buffer.alloc(300_000)
    for await (const chunk of body.chunks) {
      for (let start = 0, size = 1; start < chunk.length; start += size, size = (size * 7) % 150_001) {
        const length = chunk.copy(memory, 0, start, start + size)
        yield memory.subarray(0, length)
        memory.fill(0xdd, 0, length)
      }
    }
  }
  return {
    ...store,
    async relay(key, options) {
      const body = relayedOf(await store.get(key, options))
      return { ...body, chunks: lent(body) }
    },
  }
}

async function bytes(url: string, headers: Record<string, string> = {}): Promise<Buffer> {
  const response = await fetch(url, { headers })
  expect(response.ok).toBe(true)
  return Buffer.from(await response.arrayBuffer())
}

describe.each(layouts)('what a store lends for a moment, %s:', (kind) => {
  it('is in an answer whole, of a file and of a part of it', async () => {
    const { url } = await serve(tree, { faults: lending, kind })
    for (const [path, content] of Object.entries(contents)) {
      const file = `${url}?file=${encodeURIComponent(path)}`
      expect((await bytes(file)).equals(content), path).toBe(true)
      if (content.length < 2) continue
      const part = await bytes(file, { range: `bytes=1-${content.length - 2}` })
      expect(part.equals(content.subarray(1, -1)), path).toBe(true)
    }
  })

  it('is in a tar whole, compressed or not', async () => {
    const plain = await serve(tree, { kind })
    const { url } = await serve(tree, { faults: lending, kind })
    const expected = await bytes(`${plain.url}?format=tar`)
    expect(expected.length).toBeGreaterThan(12_000_000)
    expect((await bytes(`${url}?format=tar`)).equals(expected)).toBe(true)
    expect(gunzipSync(await bytes(`${url}?format=tar.gz`)).equals(expected)).toBe(true)
    expect(zstdDecompressSync(await bytes(`${url}?format=tar.zst`)).equals(expected)).toBe(true)
  })

  it('is whole where the reader is slow', async () => {
    const { url } = await serve(tree, { faults: lending, kind })
    const [path = '', content] = Object.entries(contents).at(-1) ?? []
    const got: Buffer[] = []
    await new Promise<void>((resolve, reject) => {
      const asked = request(`${url}?file=${encodeURIComponent(path)}`, async (response) => {
        await sleep(300)
        for await (const chunk of response) {
          got.push(chunk as Buffer)
          if (got.length % 20 === 0) await sleep(10)
        }
        resolve()
      })
      asked.on('error', reject).end()
    })
    expect(content?.equals(Buffer.concat(got))).toBe(true)
  })
})
