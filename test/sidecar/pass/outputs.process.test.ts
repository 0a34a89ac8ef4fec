import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { outputVariables } from '../../../src/job/outputs/output-rules.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { eventually } from '../../support/time/eventually.ts'
import { keysOf, manifestOf } from '../stored.ts'
import { type Attempt, attempt, job, newFolderAttempt, Uploader, write } from '../uploader-process.ts'

const rules = {
  include: ['*.csv', '/keep/'],
  exclude: ['tmp/', 'secret*'],
  required: ['a.csv', 'gone', 'keep/'],
}

function prepared(environment: Record<string, string> = {}) {
  const made = newFolderAttempt({ ...outputVariables(rules), ...environment })
  for (const folder of ['keep', 'tmp', 'other']) mkdirSync(join(made.result, folder))
  for (const name of ['a.csv', 'b.txt', 'secret.csv', 'tmp/c.csv', 'other/d.csv', 'other/e', 'keep/f'])
    write(made, name, `content of ${name}`)
  return made
}

const kept = ['a.csv', 'keep', 'keep/f', 'other/d.csv']
const missing = { count: 1, names: ['gone'] }

async function expectVerdict({ store }: ReturnType<typeof prepared>) {
  const { head, entries } = await manifestOf(store)
  expect(entries.map(({ path }) => path)).toEqual(kept)
  expect(head).toMatchObject({ count: 4, errors: 0, outputs_missing: missing })
}

describe('an uploader with output rules', () => {
  it.each(['files', 'packed'])('stores what they keep and nothing else (%s)', async (layout) => {
    const made = prepared({ RESULT_LAYOUT: layout })
    const uploader = await new Uploader(made).ready()
    expect(await uploader.terminate().exit()).toBe(0)
    await expectVerdict(made)
    if (layout === 'files') expect(await objectsOf(made)).toEqual(['a.csv', 'keep/f', 'other/d.csv'])
  })

  it('uploads nothing else while the worker runs', async () => {
    const made = prepared({ UPLOAD_WHILE_RUNNING: 'true' })
    const uploader = await new Uploader(made).ready()
    await eventually(async () => expect(await objectsOf(made)).toHaveLength(3), {
      within: 60_000,
      every: 100,
    })
    expect(await uploader.terminate().exit()).toBe(0)
    await expectVerdict(made)
    expect(await objectsOf(made)).toEqual(['a.csv', 'keep/f', 'other/d.csv'])
  })

  it('comes to the same verdict after a kill, and as a rescue', async () => {
    const made = prepared({ UPLOAD_WHILE_RUNNING: 'true' })
    const uploader = await new Uploader(made).ready()
    await eventually(async () => expect(await objectsOf(made)).toHaveLength(3), {
      within: 60_000,
      every: 100,
    })
    await uploader.kill()
    expect(await new Uploader(rescuing(made)).exit()).toBe(0)
    await expectVerdict({ ...made })
  })

  it('names no missing output if all are there', async () => {
    const made = prepared()
    write(made, 'gone', 'here, but neither included')
    write(made, 'keep/gone', 'kept')
    const uploader = await new Uploader(made).ready()
    expect(await uploader.terminate().exit()).toBe(0)
    expect((await manifestOf(made.store)).head).not.toHaveProperty('outputs_missing')
  })

  it('keeps its manifest readable with as many missing patterns as a request may have', async () => {
    const required = Array.from({ length: 50 }, (_, i) => `${i}`.padEnd(256, 'ü'.repeat(60)).slice(0, 150))
    const made = newFolderAttempt(outputVariables({ required }))
    const uploader = await new Uploader(made).ready()
    expect(await uploader.terminate().exit()).toBe(0)
    const { head } = await manifestOf(made.store)
    expect(head.outputs_missing?.count).toBe(50)
    expect(Buffer.byteLength(JSON.stringify(head))).toBeLessThan(3000)
  })
})

function rescuing<T extends Attempt>(made: T): T {
  const state = join(made.root, 'other-state')
  return { ...made, state, environment: { ...made.environment, STATE_DIRECTORY: state, RESCUE: 'true' } }
}

async function objectsOf({ store }: ReturnType<typeof prepared>): Promise<string[]> {
  const prefix = jobKeys.file(job, attempt, '')
  return (await keysOf(store, prefix)).map((key) => key.slice(prefix.length)).toSorted()
}
