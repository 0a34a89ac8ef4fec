import { buffer } from 'node:stream/consumers'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import type { Job } from '../../src/job/job.ts'
import { createResultOpener } from '../../src/results/open-result.ts'
import { createOwnObjects } from '../../src/results/own-object.ts'
import { attempt, folderStore, job, putManifest } from '../result-format/fixtures.ts'
import { layouts, packed } from './packed.ts'
import { putFile } from './served.ts'

async function objectsOf(kind: (typeof layouts)[number]) {
  const store = await folderStore()
  const entries = [
    { path: 'circle', type: 'symlink' as const, target: 'circle' },
    { path: 'latest.csv', type: 'symlink' as const, target: 'runs/7.csv' },
    { path: 'runs', type: 'directory' as const, mode: '0755' },
    await putFile(store, 'runs/7.csv', 'a,b'),
  ]
  await putManifest(store, kind === 'packed' ? await packed(store, entries) : entries)
  const located = { job: { job_uuid: job } as Job, attempt, state: 'complete' as const }
  const opener = createResultOpener(store, async () => located, pino({ enabled: false }))
  return { store, objects: createOwnObjects(store, opener) }
}

it.each(layouts)('a link is the file that it leads to, layout %s', async (kind) => {
  const { store, objects } = await objectsOf(kind)
  for (const path of ['latest.csv', 'runs/7.csv']) {
    await objects.check(job, Buffer.from(path))
    const key = await objects.keyOf(job, Buffer.from(path), 'given/1')
    expect((await buffer((await store.get(key)).stream)).toString()).toBe('a,b')
  }
})

it.each([
  ['circle', 'not-a-readable-file'],
  ['runs', 'not-a-readable-file'],
  ['nothing.csv', 'not-found'],
])('%s is refused: %s', async (path, code) => {
  const { objects } = await objectsOf('files')
  await expect(objects.check(job, Buffer.from(path))).rejects.toMatchObject({ code })
  await expect(objects.keyOf(job, Buffer.from(path), 'given/1')).rejects.toMatchObject({ code })
})
