import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { WordFiles } from '../../../sidecar/word/word-files.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

let folder: string
let files: WordFiles
const path = (name: string) => join(folder, name)

beforeEach(() => {
  folder = temporaryFolder()
  files = new WordFiles(folder)
})

it('says since when a failed program is held, as it was first seen', async () => {
  writeFileSync(path('held'), 'x\n')
  await files.look()
  expect(files.held).toBeUndefined()
  writeFileSync(path('held'), '3\n')
  await files.look()
  const first = files.held
  expect(first).toMatchObject({ exitCode: 3 })
  writeFileSync(path('held'), '4\n')
  await files.look()
  expect(files.held).toEqual(first)
})

describe('the worker’s files', () => {
  it('are read once they are there, and again after each change', async () => {
    expect(await files.look()).toEqual({ changed: false, publish: false })
    writeFileSync(path('progress.json'), '{"percent": 1}')
    writeFileSync(path('values.json'), '{"a": 1}')
    expect(await files.look()).toEqual({ changed: true, publish: false })
    expect([files.progress.progress, files.values]).toEqual([{ percent: 1 }, '{"a": 1}'])
    writeFileSync(path('progress.json'), '{"percent": 22}')
    expect((await files.look()).changed).toBe(true)
    expect(files.progress.progress).toEqual({ percent: 22 })
  })

  it('count as written again though their times are set back and their content is the same', async () => {
    writeFileSync(path('progress.json'), '{"percent": 1}')
    await settled()
    expect((await files.look()).changed).toBe(false)
    utimesSync(path('progress.json'), 1, 1)
    expect((await files.look()).changed).toBe(true)
  })

  it('do not count as written again and again after the clock was set back', async () => {
    writeFileSync(path('progress.json'), '{"percent": 1}')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 })
    onTestFinished(() => void vi.useRealTimers())
    expect((await files.look()).changed).toBe(true)
    expect((await files.look()).changed).toBe(false)
  })

  it('keep their last valid content when they are removed or emptied', async () => {
    writeFileSync(path('progress.json'), '{"percent": 1}')
    writeFileSync(path('values.json'), '{"a": 1}')
    await files.look()
    rmSync(path('progress.json'))
    truncateSync(path('values.json'), 0)
    await files.look()
    expect([files.progress.progress, files.values]).toEqual([{ percent: 1 }, '{"a": 1}'])
    expect(files.problem).toBeUndefined()
  })

  it('that are half written are no problem until they stay so', async () => {
    writeFileSync(path('progress.json'), '{"perc')
    await files.look()
    expect(files.problem).toBeUndefined()
    await settled()
    expect(files.problem).toContain('progress.json is ignored: it is not JSON')
  })

  it('that are half written at the worker’s end are a problem at once', async () => {
    writeFileSync(path('values.json'), '{"a": ')
    await files.look({ last: true })
    expect(files.problem).toBe('values.json is ignored: it is not JSON')
  })

  it('ask for a checkpoint whenever `publish` is made or touched', async () => {
    writeFileSync(path('publish'), '')
    expect(await files.look()).toEqual({ changed: true, publish: true })
    expect((await files.look()).publish).toBe(false)
    utimesSync(path('publish'), 1, 1)
    expect((await files.look()).publish).toBe(true)
  })
})

describe('a hostile worker', () => {
  it.each([
    ['a link', (at: string) => symlinkSync('/etc/passwd', at), 'it is no regular file'],
    ['a pipe', (at: string) => execFileSync('mkfifo', [at]), 'it is no regular file'],
    ['a folder', (at: string) => mkdirSync(at), 'it is no regular file'],
    ['a socket', listenAt, 'it is no regular file'],
    ['a sparse file of 4 GiB', makeSparse, 'it has more than 65536 bytes'],
    [
      'a file of a byte too many',
      (at: string) => writeFileSync(at, `"${'x'.repeat(65_535)}"`),
      'it has more than 65536 bytes',
    ],
  ])('that puts %s in the place of values.json is told so', async (_, make, problem) => {
    await make(path('values.json'))
    await files.look()
    expect(files.values).toBeUndefined()
    expect(files.problem).toBe(`values.json is ignored: ${problem}`)
  })

  it('gets no file’s content by a link, and the whole of 64 KiB of its own', async () => {
    writeFileSync(path('other'), `{"a": "${'x'.repeat(65_536 - 9)}"}`)
    linkSync(path('other'), path('values.json'))
    await files.look()
    expect(files.values).toHaveLength(65_536)
  })
})

/** Waits until the file system’s times have moved on, so that a look finds all as it was. */
async function settled(): Promise<void> {
  await expect.poll(async () => (await files.look()).changed, { interval: 25, timeout: 5000 }).toBe(false)
}

function makeSparse(at: string): void {
  writeFileSync(at, '')
  truncateSync(at, 2 ** 32)
}

async function listenAt(at: string): Promise<void> {
  const server = createServer()
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(at, resolve))
}
