import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, it } from 'vitest'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import type { ResultList } from '../../src/results/list.ts'
import { createPartialResults } from '../../src/results/partial-result.ts'
import { createLog } from '../../src/util/log.ts'
import { attempt, collect, folderStore, job, putCheckpoint, recording } from '../result-format/fixtures.ts'
import { eventually } from '../support/time/eventually.ts'
import { putFile, serve } from './served.ts'

async function listOf(url: string, query = 'so_far=true') {
  const response = await fetch(`${url}/list?${query}`)
  return { response, list: (await response.json()) as ResultList }
}

it("serves the entries of a running job's checkpoints as provisional with so_far; 409 without it", async () => {
  const { url, store } = await serve(async () => [], { running: true })
  await putCheckpoint(store, 1, [])
  expect((await listOf(url)).list).toMatchObject({ count: 0, bytes: 0, files: [], next: null })

  const [a, b] = [await putFile(store, 'a', 'first'), await putFile(store, 'b', 'gone soon')]
  await putCheckpoint(store, 2, [a, b])
  expect((await fetch(`${url}/list`)).status).toBe(409)
  expect((await fetch(`${url}?file=a`)).status).toBe(409)
  const { response, list } = await listOf(url, 'so_far=true&limit=1')
  expect(response.headers.get('jobferry-result-state')).toBe('provisional')
  expect(list).toMatchObject({ state: 'running', result_state: 'provisional', count: 2, bytes: 14 })
  expect(list.next).toMatch(/after=a&limit=1&so_far=true$/)

  const file = await fetch(`${url}?file=a&so_far=true`, { headers: { range: 'bytes=1-2' } })
  expect([file.status, await file.text()]).toEqual([206, 'ir'])
  expect(file.headers.get('jobferry-result-state')).toBe('provisional')
  const later = await fetch(`${url}?file=c&so_far=true`)
  expect(later.status).toBe(404)
  expect(await later.json()).toMatchObject({
    detail: expect.stringContaining('"c" is not among the results so far'),
  })
  const tar = await fetch(`${url}?so_far=true`)
  expect(Buffer.from(await tar.arrayBuffer()).toString('latin1')).toContain('first')

  await putCheckpoint(store, 3, [
    { ...a, size: 0 },
    { path: 'b', removed: true },
  ])
  expect((await listOf(url)).list).toMatchObject({ count: 1, bytes: 0 })
})

it('answers 409 for a file replaced since its checkpoint, and does not report it as damaged', async () => {
  const { url, store, logged } = await serve(async () => [], { running: true })
  await putCheckpoint(store, 1, [await putFile(store, 'file', 'first')])
  await store.put(jobKeys.file(job, attempt, 'file'), Buffer.from('later'))
  const answer = await fetch(`${url}?file=file&so_far=true`)
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([409, '1'])
  expect(await answer.json()).toMatchObject({ detail: expect.stringContaining('replaced') })
  expect((await listOf(url, 'so_far=true&verify=true')).list.files).toMatchObject([{ path: 'file' }])
  expect(logged.join()).not.toContain('damaged')
})

it.each(['', '/list'])('refuses a so_far other than true or false (%s)', async (path) => {
  const { url } = await serve(async () => [], { running: true })
  const answer = await fetch(`${url}${path}?so_far=perhaps`)
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ errors: [{ field: 'so_far' }] })
})

it('ignores so_far for an ended job', async () => {
  const { url } = await serve(async (store) => [await putFile(store, 'a', 'content')])
  const { response, list } = await listOf(url)
  expect([response.headers.get('jobferry-result-state'), list.files.length]).toEqual(['partial', 1])
})

it('reads each checkpoint once, and leaves no temporary file', async () => {
  const store = await folderStore()
  const before = new Set(readdirSync(tmpdir()))
  const recorded = recording(store)
  const shutdown = new AbortController()
  const partialResults = createPartialResults(recorded, createLog('test', 'silent'), shutdown.signal)
  const paths = () =>
    partialResults.withManifest(job, attempt, async (manifest) => {
      return (await collect(partialResults.hold(manifest, manifest.entries()))).map(({ path }) => path)
    })
  for (let number = 1; number <= 20; number += 1) {
    await putCheckpoint(store, number, [{ path: `${number}`.padStart(2, '0'), type: 'directory' }])
    expect(await paths()).toHaveLength(number)
    expect(await paths()).toHaveLength(number)
  }
  expect(recorded.gets).toHaveLength(20)
  shutdown.abort()
  await eventually(() => {
    const left = readdirSync(tmpdir()).filter(
      (name) => name.startsWith('jobferry-so-far-') && !before.has(name),
    )
    expect(left).toEqual([])
  })
  expect(existsSync(store.directory)).toBe(true)
})
