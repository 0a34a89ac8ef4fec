import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { pathBytes } from '../../src/result-format/entry.ts'
import { eventually } from '../support/time/eventually.ts'
import { keysOf, manifestOf } from './stored.ts'
import { sorted, storedTree, treeOf } from './tree.ts'
import { job, newFolderAttempt, Uploader, write } from './uploader-process.ts'

const oddNames = [
  'new\nline',
  'trailing space ',
  ' ',
  '...',
  '100%',
  '%41',
  'a#b?c&d+e',
  '~tilde',
  `~${'0'.repeat(64)}`,
  'back\\slash',
  '\xff\xfe not UTF-8',
  '\xc3\x28',
  '\x01control',
  'x'.repeat(255),
  '\xc3\xa9'.repeat(127),
  'nfc \xc3\xa9',
  'nfd e\xcc\x81',
  'a',
  'a.txt',
  'a-b',
  '-rf',
]

describe('the uploader', () => {
  it('stores any tree byte for byte: names, modes, times, links, empty files and folders', async () => {
    const made = newFolderAttempt()
    for (const [index, name] of oddNames.entries()) {
      mkdirSync(
        Buffer.concat([Buffer.from(`${made.result}/d`), Buffer.from(name, 'latin1').subarray(0, 254)]),
      )
      const path = write(made, name, `content of ${index}`)
      chmodSync(path, [0o600, 0o644, 0o4755, 0o000][index % 4] ?? 0)
      utimesSync(path, new Date(), new Date(1e12 + index * 1234))
    }
    mkdirSync(join(made.result, 'deep/er/est'), { recursive: true })
    for (const name of oddNames) write(made, `deep/er/est/${name}`, name)
    write(made, 'empty', '')
    write(made, 'one part', Buffer.alloc(8 * 1024 * 1024, 1))
    write(made, 'a byte more', Buffer.alloc(8 * 1024 * 1024 + 1, 2))
    write(made, 'large', randomBytes(25_000_000))
    linkSync(join(made.result, 'empty'), join(made.result, 'hard link'))
    symlinkSync('../outside\n', join(made.result, 'link'))
    symlinkSync(Buffer.from('\xff', 'latin1'), join(made.result, 'link to bytes'))
    lutimesSync(join(made.result, 'link'), new Date(), new Date(-5000))
    execFileSync('mkfifo', [join(made.result, 'fifo')])
    const uploader = await new Uploader(made).ready()
    const before = treeOf(made.result)
    expect(await uploader.terminate().exit()).toBe(0)

    const { head, entries } = await manifestOf(made.store)
    expect([...(await storedTree(made.store, entries))]).toEqual(sorted(before))
    expect(head).toMatchObject({ version: 1, job, count: before.size, errors: 0 })
    expect(JSON.parse(readFileSync(made.message, 'utf8'))).toEqual({
      count: head.count,
      bytes: head.bytes,
      errors: 0,
    })
    expect(entries.find(({ path }) => path === 'fifo')).toMatchObject({ type: 'skipped', error: 'fifo' })
    // One object for `empty` and `hard link`.
    expect(new Set(entries.map(({ key }) => key).filter(Boolean)).size).toBe(
      entries.filter(({ type }) => type === 'file').length - 1,
    )
  })

  it('waits in one process while the worker runs, also without a port', async () => {
    const made = newFolderAttempt()
    const uploader = await new Uploader(made).ready()
    const pid = uploader.programPid()
    await delay(1000)
    expect(uploader.programPid()).toBe(pid)
    expect(await uploader.terminate().exit()).toBe(0)
    expect(uploader.log).not.toContain('starts again')
  })

  it('commits an empty result', async () => {
    const made = newFolderAttempt()
    const uploader = await new Uploader(made).ready()
    expect(await uploader.terminate().exit()).toBe(0)
    expect((await manifestOf(made.store)).head).toMatchObject({ count: 0, bytes: 0, errors: 0 })
  })

  it('lists an unreadable path with the reason', async () => {
    const made = newFolderAttempt()
    write(made, 'readable', 'yes')
    chmodSync(write(made, 'secret', 'no'), 0o000)
    mkdirSync(join(made.result, 'closed'))
    write(made, 'closed/inside', 'no')
    chmodSync(join(made.result, 'closed'), 0o000)
    const isRoot = process.getuid?.() === 0
    // Root reads everything: so the uploader runs as somebody else, as in a namespace that demands
    // `restricted`.
    if (isRoot) execFileSync('chown', ['-R', '65534', made.root])
    const wrapper = isRoot ? ['setpriv', '--reuid=65534', '--clear-groups', '--inh-caps=-all'] : []
    const uploader = await new Uploader(made, { wrapper }).ready()
    expect(await uploader.terminate().exit()).toBe(0)
    const { head, entries } = await manifestOf(made.store)
    expect(head).toMatchObject({ count: 3, bytes: 3, errors: 2 })
    expect(head.first_error).toEqual({ path: '"closed"', error: 'EACCES: permission denied' })
    expect(entries.map(({ path, type, size, error }) => ({ path, type, size, error }))).toEqual([
      { path: 'closed', type: 'directory', error: 'EACCES: permission denied' },
      { path: 'readable', type: 'file', size: 3 },
      { path: 'secret', type: 'file', size: 2, error: 'EACCES: permission denied' },
    ])
    chmodSync(join(made.result, 'closed'), 0o700)
  })

  it('lists a file that never stops changing with an error, and all others', async () => {
    const made = newFolderAttempt()
    const busy = write(made, 'busy', '')
    truncateSync(busy, 300_000_000)
    write(made, 'quiet', 'content')
    const uploader = await new Uploader(made).ready()
    const touching = setInterval(() => utimesSync(busy, new Date(), new Date(Math.random() * 1e12)), 2)
    const code = await uploader.terminate().exit()
    clearInterval(touching)
    expect(code).toBe(0)
    const { head, entries } = await manifestOf(made.store)
    expect(head.errors).toBe(1)
    expect(entries).toMatchObject([
      { path: 'busy', type: 'file', size: 300_000_000, error: 'it changed while it was read' },
      { path: 'quiet', sha256: expect.any(String) },
    ])
    expect(await keysOf(made.store)).not.toContainEqual(expect.stringContaining('/files/busy'))
  })

  it('gives up without a manifest when it is stopped before the worker could start', async () => {
    const made = newFolderAttempt({ INPUTS_SHA256: '0'.repeat(64) })
    made.environment.INPUT_DIRECTORY = join(made.root, 'input')
    const uploader = new Uploader(made)
    await eventually(() => expect(uploader.log).toContain('fetching the inputs'))
    expect(await uploader.terminate().exit()).toBe(3)
    expect(existsSync(join(made.state, 'ready'))).toBe(false)
    expect(JSON.parse(readFileSync(made.message, 'utf8'))).toMatchObject({
      reason: 'StoreUnavailable',
      message: expect.stringMatching(/fetching the inputs.*input-0+\.ndjson/),
    })
    const last = JSON.parse(
      uploader.log
        .trimEnd()
        .split('\n')
        .filter((line) => line.includes('the uploader is not ready yet'))
        .at(-1) ?? '',
    )
    expect(last).toMatchObject({
      reason: 'StoreUnavailable',
      message: expect.stringMatching(/input-[0-9a-f]{64}\.ndjson/),
    })
    expect(await keysOf(made.store)).not.toContainEqual(expect.stringContaining('manifest'))
  })

  it('ends once its state directory was removed', async () => {
    const made = newFolderAttempt()
    const uploader = await new Uploader(made).ready()
    rmSync(made.state, { recursive: true })
    expect(await uploader.exit()).toBe(3)
  })

  it('does nothing after it has ended for good', async () => {
    const made = newFolderAttempt()
    const uploader = await new Uploader(made).ready()
    expect(await uploader.terminate().exit()).toBe(0)
    write(made, 'late', 'too late')
    expect(await new Uploader(made).exit()).toBe(0)
    expect((await manifestOf(made.store)).entries.map((entry) => pathBytes(entry).toString())).toEqual([])
  })
})
