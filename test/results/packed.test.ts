import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/result-format/entry.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { attempt, job, recording } from '../result-format/fixtures.ts'
import { putFile, serve } from './served.ts'

const pack = jobKeys.file(job, attempt, '~packs/0123abcd-000001.tar')

function many(store: ArtifactStore): Promise<Entry[]> {
  const puts = Array.from({ length: 400 }, (_, index) =>
    putFile(store, `f${index}`, `content of ${index} `.repeat(index % 50)),
  )
  return Promise.all(puts)
}

/** Serves results in packs; records the GETs of packs and every HEAD. */
async function served() {
  const heads: string[] = []
  let gets: string[] = []
  const faults = (store: ArtifactStore): ArtifactStore => {
    const recorded = recording(store)
    gets = recorded.gets
    return {
      ...recorded,
      head(key, signal) {
        heads.push(key)
        return store.head(key, signal)
      },
    }
  }
  const { url, store, logged } = await serve(many, { faults, kind: 'packed' })
  return { url, store, logged, heads, packReads: () => gets.filter((get) => get.includes('~packs/')) }
}

describe('files in packs', () => {
  it('are read for a tar in few requests, each with the ETag of the committed pack', async () => {
    const { url, packReads } = await served()
    const tar = Buffer.from(await (await fetch(url)).arrayBuffer())
    expect(tar.includes('content of 399 content of 399')).toBe(true)
    expect(packReads().length).toBeLessThan(8)
    for (const read of packReads()) expect(read).toContain('if-match')
  })

  it('selected by file= are read alone or together with neighbours', async () => {
    const { url, packReads } = await served()
    await (await fetch(`${url}?file=f1&file=f10&file=f100&file=f399&format=tar`)).arrayBuffer()
    expect(packReads()).toHaveLength(2)
  })

  it('abort the tar if one of them is damaged, which the log names; the others stay readable', async () => {
    const damaging = (store: ArtifactStore): ArtifactStore => ({
      ...store,
      async get(key, options) {
        const body = await store.get(key, options)
        const bytes = Buffer.concat(await body.stream.toArray())
        const at = key === pack ? bytes.indexOf('content of 249 ') : -1
        if (at >= 0) bytes.write('C', at)
        return { ...body, stream: Readable.from([bytes], { objectMode: false }) }
      },
    })
    const { url, logged } = await serve(many, { faults: damaging, kind: 'packed' })
    await expect(fetch(url).then((response) => response.arrayBuffer())).rejects.toThrow()
    expect(logged.join('')).toContain('f249')
    expect((await fetch(`${url}?file=f249`)).status).toBe(500)
    expect(await (await fetch(`${url}?file=f1`)).text()).toBe('content of 1 ')
  })

  it('are all damaged if their pack was replaced', async () => {
    const { url, store } = await served()
    await store.put(pack, Buffer.alloc(8_000_000))
    expect((await fetch(`${url}?file=f1`)).status).toBe(500)
    const response = await fetch(url).catch(() => undefined)
    if (response?.status === 200) await expect(response.arrayBuffer()).rejects.toThrow()
  })

  it('are verified by one HEAD of their pack', async () => {
    const { url, store, heads } = await served()
    const list = async () => (await fetch(`${url}/list?verify=true`)).json()
    const whole = (await list()) as { files: { damage?: string }[] }
    expect(whole.files.filter(({ damage }) => damage !== undefined)).toEqual([])
    expect(heads.filter((key) => key === pack)).toHaveLength(1)
    await store.remove([pack])
    const gone = (await list()) as { files: { damage?: string }[] }
    expect(gone.files.filter(({ damage }) => damage !== undefined)).toHaveLength(400)
  })
})
