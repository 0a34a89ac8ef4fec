import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Ledger } from '../../../sidecar/pass/ledger.ts'
import { runPass } from '../../../sidecar/pass/pass.ts'
import { boundedListing, unstoredError } from '../../../sidecar/pass/unstored.ts'
import { StoreCalls } from '../../../sidecar/store/store-calls.ts'
import { commitCheckpoints } from '../../../src/result-format/checkpoint/checkpoint.ts'
import { createS3Store, staticCredentials } from '../../../src/store/s3/s3.ts'
import { eventually } from '../../support/time/eventually.ts'
import { manifestOf } from '../stored.ts'
import { attempt, job } from '../uploader-process.ts'
import { newPasses } from './passes.ts'

type Passes = Awaited<ReturnType<typeof newPasses>>

/** What the API makes of a final pass whose store calls were halted before it began. */
async function haltedPass(passes: Passes) {
  const { context } = passes
  await context.calls.halt(0)
  const { ledger, complete } = await runPass(context, {
    final: true,
    stopSignal: context.calls.halted,
  })
  expect(complete).toBe(false)
  const head = await committed(passes, ledger)
  return { head, entries: (await manifestOf(passes.store)).entries }
}

async function committed({ store }: Passes, ledger: Ledger) {
  await ledger.checkpoint(new StoreCalls(store.name), { last: true })
  return await commitCheckpoints(store, job, attempt)
}

it.each(['files', 'packed'] as const)('a halted pass lists every name (%s)', async (layout) => {
  const passes = await newPasses(layout)
  const at = (name: string) => join(passes.resultDirectory, name)
  mkdirSync(at('folder'))
  for (const name of ['folder/b', 'a', 'z']) writeFileSync(at(name), name)
  const { head, entries } = await haltedPass(passes)
  expect(head).toMatchObject({ count: 4, bytes: 0, errors: 3, all_listed: true })
  const error = unstoredError
  expect(entries).toMatchObject([
    { path: 'a', size: 1, error },
    { path: 'folder', type: 'directory' },
    { path: 'folder/b', size: 8, error },
    { path: 'z', size: 1, error },
  ])
  for (const entry of entries) expect(entry).not.toHaveProperty('sha256')
})

it.each(['files', 'packed'] as const)(
  'what is in flight at a halt is listed, too (%s)',
  { timeout: 60_000 },
  async (layout) => {
    const passes = await newPasses(layout)
    const { context, store } = passes
    passes.write('first')
    await passes.pass('adopted')
    for (const name of ['a', 'b']) writeFileSync(join(passes.resultDirectory, name), name)
    passes.write('second version')
    // Nothing listens there: its calls are tried again until the halt.
    const refusing = createS3Store({
      endpoint: 'http://127.0.0.1:1',
      bucket: 'none',
      region: 'us-east-1',
      prefix: '',
      credentials: staticCredentials('a', 'b'),
    })
    context.store = refusing
    const passing = runPass(context, { final: true, stopSignal: context.calls.halted })
    await eventually(() => expect(context.calls.trouble.obstacle).toBeDefined())
    await context.calls.halt(0)
    const { ledger, complete } = await passing
    context.store = store
    await refusing.close()
    expect(complete).toBe(false)
    const head = await committed(passes, ledger)
    expect(head).toMatchObject({ count: 3, bytes: 5, errors: 2, all_listed: true })
    expect((await manifestOf(store)).entries).toMatchObject([
      { path: 'a', error: unstoredError },
      { path: 'b', error: unstoredError },
      { path: 'file', size: 5, sha256: expect.any(String) },
    ])
  },
)

it('a halted pass keeps the version of a file that the store has', async () => {
  const passes = await newPasses()
  passes.write('first')
  await passes.pass('adopted')
  passes.write('second version')
  const { head, entries } = await haltedPass(passes)
  expect(head).toMatchObject({ count: 1, bytes: 5, errors: 0 })
  expect(entries).toMatchObject([{ path: 'file', size: 5, sha256: expect.any(String) }])
})

it('the next pass stores what a halted one listed with an error', async () => {
  const passes = await newPasses()
  passes.write('content')
  const { calls } = passes.context
  passes.context.calls = new StoreCalls(passes.store.name)
  await passes.context.calls.halt(0)
  await runPass(passes.context, { final: true, stopSignal: calls.halted })
  passes.context.calls = calls
  await passes.pass('told', true)
  const head = await commitCheckpoints(passes.store, job, attempt)
  expect(head).toMatchObject({ count: 1, bytes: 7, errors: 0 })
})

it('a halted pass over more names than it may list says that it has not listed all', async () => {
  const passes = await newPasses()
  for (let name = 0; name < 10_001; name += 1) writeFileSync(join(passes.resultDirectory, `${name}`), '')
  const { head } = await haltedPass(passes)
  expect(head?.count).toBeGreaterThan(0)
  expect(head?.count).toBeLessThanOrEqual(10_000)
  expect(head?.errors).toBe(head?.count)
  expect(head).not.toHaveProperty('all_listed')
})

it('lists 10,000 names at most, for 400 ms at most', () => {
  let time = 5000
  const byNumber = boundedListing(() => time)
  let names = 0
  while (byNumber()) names += 1
  expect(names).toBe(10_000)
  const byTime = boundedListing(() => time)
  expect(byTime()).toBe(true)
  time += 399
  expect(byTime()).toBe(true)
  time += 1
  expect(byTime()).toBe(false)
})
