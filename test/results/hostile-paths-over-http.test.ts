import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/result-format/entry.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { attempt, job, putCheckpoint } from '../result-format/fixtures.ts'
import { problemCode } from './serve/typical-result.ts'
import { putFile, serve } from './served.ts'

/* Whoever can write into the bucket puts a path that leads out of the folder where a tar is unpacked. */

const forged = ['../../evil', 'a/../../evil', '/etc/x']
/** The content of forged files: no answer may have it. */
const evil = 'evil content'

describe.each(forged)('a manifest with the path %j', (path) => {
  const damaged = `the path ${JSON.stringify(path)} `

  it.each([
    ['the list', '/list', {}],
    ['the list as NDJSON', '/list', { accept: 'application/x-ndjson' }],
    ['a list of damaged files', '/list?verify=true', {}],
    ['a tar', '', {}],
    ['a compressed tar', '?format=tar.gz', {}],
    ['a tar of the sound file', '?file=good&format=tar', {}],
    ['the sound file', '?file=good', {}],
    ['the file itself', `?file=${encodeURIComponent(path)}`, {}],
  ])('is a damage that %s names, and nothing of it is sent', async (_, query, headers) => {
    const { url, logged } = await serve(async (store) => [
      await putFile(store, 'good', 'good content'),
      await forgedFile(store, path),
    ])
    const answer = await fetch(`${url}${query}`, { headers: headers as Record<string, string> })
    const text = await answer.clone().text()
    expect([answer.status, await problemCode(answer)], text).toEqual([500, 'result-damaged'])
    expect(JSON.parse(text).detail).toContain(damaged)
    expect(text).not.toContain(evil)
    expect(logged.join('')).toContain('a manifest in the store is damaged')
  })
})

describe('a manifest with a forged path behind thousands of sound ones', () => {
  const sound = 3000
  const name = (index: number) => `f${String(index).padStart(5, '0')}`
  /** Sorted behind all others. */
  const path = 'z/../../evil'
  const large = () =>
    serve(async (store) => {
      const first = await putFile(store, name(0), 'same')
      const others = Array.from({ length: sound - 1 }, (_, index) => ({ ...first, path: name(index + 1) }))
      return [first, ...others, await forgedFile(store, path)]
    })

  it('gives a tar that is cut or refused, without that path and its content', async () => {
    const { url } = await large()
    const { status, body, isWhole } = await readUntilCut(url)
    expect(isWhole && status === 200).toBe(false)
    expect(body.includes(evil)).toBe(false)
    expect(body.includes('../evil\0')).toBe(false)
  })

  it('gives no list that has it, and names it on its page', async () => {
    const { url } = await large()
    let next: string | null = `${url}/list?limit=1000`
    const listed: string[] = []
    let answer = await fetch(next)
    while (answer.status === 200) {
      const page = (await answer.json()) as { files: { path: string }[]; next: string | null }
      listed.push(...page.files.map((file) => file.path))
      next = page.next
      if (next === null) break
      answer = await fetch(new URL(next, url))
    }
    expect(answer.status).toBe(500)
    const { detail } = (await answer.json()) as { detail: string }
    expect(detail).toContain(`the path ${JSON.stringify(path)} `)
    expect(listed.every((one) => /^f\d{5}$/.test(one))).toBe(true)
  })
})

describe('a checkpoint with a forged path', () => {
  it.each(forged)('%j gives no line of it to readers of a running job', async (path) => {
    const { url } = await serve(
      async (store) => {
        const good = await putFile(store, 'good', 'good content')
        await putCheckpoint(store, 1, [good])
        await putCheckpoint(store, 2, [await forgedFile(store, path)])
        return []
      },
      { running: true },
    )
    for (const query of ['/list?so_far=true', '?so_far=true']) {
      const { body } = await readUntilCut(`${url}${query}`)
      expect(body.includes(evil), query).toBe(false)
      expect(body.includes(`"path":${JSON.stringify(path)}`), query).toBe(false)
      expect(body.includes(`${path}\0`), query).toBe(false)
    }
  })
})

async function forgedFile(store: ArtifactStore, path: string): Promise<Entry> {
  const file = await putFile(store, 'stands-in', evil)
  expect(await store.head(jobKeys.file(job, attempt, file.key ?? ''))).toBeDefined()
  return { ...file, path }
}

async function readUntilCut(url: string): Promise<{ status: number; body: Buffer; isWhole: boolean }> {
  const answer = await fetch(url)
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of answer.body ?? []) chunks.push(chunk)
    return { status: answer.status, body: Buffer.concat(chunks), isWhole: true }
  } catch {
    return { status: answer.status, body: Buffer.concat(chunks), isWhole: false }
  }
}
