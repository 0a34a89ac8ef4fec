import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import { eventually } from '../support/time/eventually.ts'
import { isCheckpoint, keysOf, manifestOf, objectOf } from './stored.ts'
import { sorted, storedTree, treeOf } from './tree.ts'
import { attempt, getFrom, job, listening, newFolderAttempt, Uploader, write } from './uploader-process.ts'

describe('while the worker runs and time is short, the uploader', () => {
  it('checkpoints at once and every 5 s, and sends unchanged files no second time', async () => {
    const made = await threeFiles()
    const uploader = await new Uploader(made).ready()
    expect((await getFrom(made, '/ready')).status).toBe(200)
    expect((await getFrom(made, '/stop/wrong')).status).toBe(404)
    expect((await getFrom(made, '/stop/token')).status).toBe(200)
    await eventually(async () => expect((await keysOf(made.store)).filter(isCheckpoint)).toHaveLength(2))
    const stays = await made.store.head(jobKeys.file(job, attempt, 'stays'))
    expect(stays).toBeDefined()
    // In one step, so that no pass comes between.
    write(made, 'changes', 'second')
    rmSync(join(made.result, 'goes'))
    const checkpoints = await eventually(async () => {
      const found = (await keysOf(made.store)).filter(isCheckpoint)
      expect(found).toHaveLength(3)
      return found
    })
    const writtenAt = async (key = '') => (await made.store.head(key))?.modified.getTime() ?? 0
    expect((await writtenAt(checkpoints[2])) - (await writtenAt(checkpoints[1]))).toBeGreaterThan(4000)
    const third = (await objectOf(made.store, checkpoints[2] ?? '')).toString().split('\n')
    expect(JSON.parse(third[0] ?? '')).toMatchObject({
      number: 3,
      stop_seen_at: expect.any(String),
      uploads: [],
    })
    expect(third.slice(1, 3).map((line) => JSON.parse(line))).toMatchObject([
      { path: 'changes', size: 6 },
      { path: 'goes', removed: true },
    ])
    const before = treeOf(made.result)
    expect(await uploader.terminate().exit()).toBe(0)
    const { head, entries } = await manifestOf(made.store)
    expect([...(await storedTree(made.store, entries))]).toEqual(sorted(before))
    expect(head.stop_seen_at).toBeDefined()
    const still = await made.store.head(jobKeys.file(job, attempt, 'stays'))
    expect(still?.modified).toEqual(stays?.modified)
  })

  it('notices bytes that changed while size and times stayed, as through mapped memory', async () => {
    const made = newFolderAttempt(await listening())
    const path = write(made, 'mapped', 'AAAA')
    const uploader = await new Uploader(made).ready()
    await getFrom(made, '/stop/token')
    const known = join(made.state, 'known.ndjson')
    await eventually(() => expect(readFileSync(known, 'utf8')).toContain('"fingerprint"'))
    // Node maps no memory: what the uploader knows of the file is made to match the new times
    // instead.
    writeFileSync(path, 'BBBB')
    const { size, mtimeNs, ctimeNs, ino } = lstatSync(path, { bigint: true })
    const fingerprint = `"fingerprint":"${size} ${mtimeNs} ${ctimeNs} ${ino}"`
    writeFileSync(known, readFileSync(known, 'utf8').replace(/"fingerprint":"[^"]*"/, fingerprint))
    expect(await uploader.terminate().exit()).toBe(0)
    const { entries } = await manifestOf(made.store)
    expect([...(await storedTree(made.store, entries))]).toEqual(sorted(treeOf(made.result)))
  })

  it.each([
    ['a file first', 'then a folder'],
    ['a folder first', 'then a file'],
  ])('stores what can’t lie beside an earlier object under a hash: %s, %s', async (...order) => {
    const made = newFolderAttempt(await listening())
    const make = {
      file: () => write(made, 'name', 'a file'),
      folder: () => {
        mkdirSync(join(made.result, 'name'))
        return write(made, 'name/inside', 'in a folder')
      },
    }
    const [first, second] = order[0] === 'a file first' ? [make.file, make.folder] : [make.folder, make.file]
    first()
    const uploader = await new Uploader(made).ready()
    await getFrom(made, '/stop/token')
    await eventually(async () => expect((await keysOf(made.store)).join()).toContain('/files/name'))
    execFileSync('rm', ['-r', join(made.result, 'name')])
    second()
    expect(await uploader.terminate().exit()).toBe(0)
    const { entries } = await manifestOf(made.store)
    expect([...(await storedTree(made.store, entries))]).toEqual(sorted(treeOf(made.result)))
    expect(entries.at(-1)?.key).toMatch(/^~[0-9a-f]{64}$/)
  })
})

describe("after an uploader's end with its state, a rescue", () => {
  it('stores what is missing and sends nothing again that a checkpoint names', async () => {
    const made = await threeFiles()
    const first = await new Uploader(made).ready()
    await getFrom(made, '/stop/token')
    await eventually(async () => expect((await keysOf(made.store)).filter(isCheckpoint)).toHaveLength(2))
    await first.kill()
    const stays = await made.store.head(jobKeys.file(job, attempt, 'stays'))

    write(made, 'changes', 'later')
    write(made, 'new', 'unheard of')
    execFileSync('rm', [join(made.result, 'goes')])
    const { UPLOADER_PORT: _, PRE_STOP_TOKEN: __, ...environment } = made.environment
    const before = treeOf(made.result)
    const again = {
      ...made,
      environment: { ...environment, STATE_DIRECTORY: join(made.root, 'other-state'), RESCUE: 'true' },
    }
    expect(await new Uploader(again).exit()).toBe(0)
    const { head, entries } = await manifestOf(made.store)
    expect([...(await storedTree(made.store, entries))]).toEqual(sorted(before))
    expect(head.stop_seen_at).toBeDefined()
    const still = await made.store.head(jobKeys.file(job, attempt, 'stays'))
    expect(still?.modified).toEqual(stays?.modified)
  })
})

/** An attempt whose uploader listens, with the files stays, changes and goes. */
async function threeFiles() {
  const made = newFolderAttempt(await listening())
  write(made, 'stays', 'the same')
  write(made, 'changes', 'first')
  write(made, 'goes', 'away')
  return made
}
