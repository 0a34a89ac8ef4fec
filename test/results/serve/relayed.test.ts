import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../../src/result-format/entry.ts'
import { relayBody } from '../../../src/store/relay.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import type { Sink } from '../../../src/util/sink.ts'
import { layouts } from '../packed.ts'
import { putFile, serve } from '../served.ts'

const contents: Record<string, Buffer> = Object.fromEntries(
  [0, 1, 4096, 70_000, 262_144, 262_145, 1_000_000, 3_000_001].map((size) => [
    `${String(size).padStart(8, '0')} bytes`,
    randomBytes(size),
  ]),
)

async function tree(store: ArtifactStore): Promise<Entry[]> {
  return Promise.all(Object.entries(contents).map(([path, content]) => putFile(store, path, content)))
}

/** A store that relays chunks of many sizes and overwrites each one once the sink has resolved. */
function lending(store: ArtifactStore): ArtifactStore {
  const lent = (sink: Sink): Sink => {
    const memory = Buffer.alloc(300_000)
    return async (chunk) => {
      for (let start = 0, size = 1; start < chunk.length; start += size, size = (size * 7) % 150_001) {
        const length = chunk.copy(memory, 0, start, start + size)
        await sink(memory.subarray(0, length))
        memory.fill(0xdd, 0, length)
      }
    }
  }
  return {
    ...store,
    async relay(key, sinkFor, options) {
      await relayBody(await store.get(key, options), (head) => lent(sinkFor(head)))
    },
  }
}

async function bytes(url: string, headers: Record<string, string> = {}): Promise<Buffer> {
  const response = await fetch(url, { headers })
  expect(response.ok).toBe(true)
  return Buffer.from(await response.arrayBuffer())
}

describe.each(layouts)('a file relayed in chunks whose memory is reused, layout %s:', (kind) => {
  it('is complete in the answer, for the whole file and a range', async () => {
    const { url } = await serve(tree, { faults: lending, kind })
    for (const [path, content] of Object.entries(contents)) {
      const file = `${url}?file=${encodeURIComponent(path)}`
      expect((await bytes(file)).equals(content), path).toBe(true)
      if (content.length < 2) continue
      const part = await bytes(file, { range: `bytes=1-${content.length - 2}` })
      expect(part.equals(content.subarray(1, -1)), path).toBe(true)
    }
  })

  it('is complete in a tar, compressed or not', async () => {
    const plain = await serve(tree, { kind })
    const { url } = await serve(tree, { faults: lending, kind })
    const expected = await bytes(`${plain.url}?format=tar`)
    expect(expected.length).toBeGreaterThan(4_000_000)
    expect((await bytes(`${url}?format=tar`)).equals(expected)).toBe(true)
    expect(gunzipSync(await bytes(`${url}?format=tar.gz`)).equals(expected)).toBe(true)
    expect(zstdDecompressSync(await bytes(`${url}?format=tar.zst`)).equals(expected)).toBe(true)
  })

  it('is complete for a slow reader', async () => {
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
