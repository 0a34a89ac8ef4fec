import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { pathBytes } from '../../src/artifact/entry.ts'
import { layout } from '../../src/artifact/layout.ts'
import { eventually } from '../support/eventually.ts'
import { sorted, storedTree, treeOf } from './tree.ts'
import {
  type Attempt,
  attempt,
  job,
  keysOf,
  manifestOf,
  newFolderAttempt,
  objectOf,
  Uploader,
} from './uploader-process.ts'

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

function write(made: Attempt, name: string, content: string | Buffer): Buffer {
  const path = Buffer.concat([Buffer.from(`${made.result}/`), Buffer.from(name, 'latin1')])
  writeFileSync(path, content)
  return path
}

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
    expect(new Set(entries.map(({ key }) => key).filter(Boolean)).size).toBe(
      entries.filter(({ type }) => type === 'file').length,
    )
  })

  it('waits in one process while the worker runs, without a port too', async () => {
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

  it('lists what it can’t read with the reason', async () => {
    const made = newFolderAttempt()
    write(made, 'readable', 'yes')
    chmodSync(write(made, 'secret', 'no'), 0o000)
    mkdirSync(join(made.result, 'closed'))
    write(made, 'closed/inside', 'no')
    chmodSync(join(made.result, 'closed'), 0o000)
    const isRoot = process.getuid?.() === 0
    // Root reads everything: so the uploader runs as somebody else, as in a namespace that demands `restricted`.
    if (isRoot) execFileSync('chown', ['-R', '65534', made.root])
    const wrapper = isRoot ? ['setpriv', '--reuid=65534', '--clear-groups', '--inh-caps=-all'] : []
    const uploader = await new Uploader(made, { wrapper }).ready()
    expect(await uploader.terminate().exit()).toBe(0)
    const { head, entries } = await manifestOf(made.store)
    expect(head).toMatchObject({ count: 3, errors: 2 })
    expect(entries.map(({ path, type, size, error }) => ({ path, type, size, error }))).toEqual([
      { path: 'closed', type: 'directory', error: 'EACCES: permission denied' },
      { path: 'readable', type: 'file', size: 3 },
      { path: 'secret', type: 'file', size: 2, error: 'EACCES: permission denied' },
    ])
    chmodSync(join(made.result, 'closed'), 0o700)
  })

  it('checkpoints while the worker runs once time is short, and sends unchanged files no second time', async () => {
    const port = 47311
    const made = newFolderAttempt({ UPLOADER_PORT: String(port), STOP_TOKEN: 'token' })
    write(made, 'stays', 'the same')
    write(made, 'changes', 'first')
    write(made, 'goes', 'away')
    const uploader = await new Uploader(made).ready()
    expect((await fetch(`http://127.0.0.1:${port}/ready`)).status).toBe(200)
    expect((await fetch(`http://127.0.0.1:${port}/stop/wrong`)).status).toBe(404)
    expect((await fetch(`http://127.0.0.1:${port}/stop/token`)).status).toBe(200)
    await delay(1000)
    const stays = await made.store.head(layout.file(job, attempt, 'stays'))
    expect(stays).toBeDefined()
    write(made, 'changes', 'second')
    execFileSync('rm', [join(made.result, 'goes')])
    await delay(5500)
    const checkpoints = (await keysOf(made.store)).filter((key) => key.includes('/checkpoint/'))
    expect(checkpoints).toHaveLength(3)
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
    const still = await made.store.head(layout.file(job, attempt, 'stays'))
    expect(still?.modified).toEqual(stays?.modified)
  })

  it('notices bytes that changed while size and times stayed, as through mapped memory', async () => {
    const port = 47312
    const made = newFolderAttempt({ UPLOADER_PORT: String(port), STOP_TOKEN: 'token' })
    const path = write(made, 'mapped', 'AAAA')
    const uploader = await new Uploader(made).ready()
    await fetch(`http://127.0.0.1:${port}/stop/token`)
    const known = join(made.state, 'known.ndjson')
    await eventually(() => expect(readFileSync(known, 'utf8')).toContain('"fingerprint"'))
    // Node maps no memory: what the uploader knows of the file is made to match the new times instead.
    writeFileSync(path, 'BBBB')
    const { size, mtimeNs, ctimeNs, ino } = lstatSync(path, { bigint: true })
    const fingerprint = `"fingerprint":"${size} ${mtimeNs} ${ctimeNs} ${ino}"`
    writeFileSync(known, readFileSync(known, 'utf8').replace(/"fingerprint":"[^"]*"/, fingerprint))
    expect(await uploader.terminate().exit()).toBe(0)
    const { entries } = await manifestOf(made.store)
    expect([...(await storedTree(made.store, entries))]).toEqual(sorted(treeOf(made.result)))
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
    await delay(1500)
    expect(await uploader.terminate().exit()).toBe(3)
    expect(existsSync(join(made.state, 'ready'))).toBe(false)
    expect(JSON.parse(readFileSync(made.message, 'utf8'))).toMatchObject({
      reason: 'StoreUnavailable',
      message: expect.stringMatching(/fetching the inputs.*input\.ndjson/),
    })
    const last = JSON.parse(
      uploader.log
        .trimEnd()
        .split('\n')
        .filter((line) => line.includes('not ready'))
        .at(-1) ?? '',
    )
    expect(last).toMatchObject({
      reason: 'StoreUnavailable',
      message: expect.stringContaining('input.ndjson'),
    })
    expect(await keysOf(made.store)).not.toContainEqual(expect.stringContaining('manifest'))
  })

  it.each([
    ['a file first', 'then a folder'],
    ['a folder first', 'then a file'],
  ])('stores what can’t lie beside an earlier object under a hash: %s, %s', async (...order) => {
    const port = 47313
    const made = newFolderAttempt({ UPLOADER_PORT: String(port), STOP_TOKEN: 'token' })
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
    await fetch(`http://127.0.0.1:${port}/stop/token`)
    await eventually(async () => expect((await keysOf(made.store)).join()).toContain('/files/name'))
    execFileSync('rm', ['-r', join(made.result, 'name')])
    second()
    expect(await uploader.terminate().exit()).toBe(0)
    const { entries } = await manifestOf(made.store)
    expect([...(await storedTree(made.store, entries))]).toEqual(sorted(treeOf(made.result)))
    expect(entries.at(-1)?.key).toMatch(/^~[0-9a-f]{64}$/)
  })

  it('does nothing more once it has ended for good', async () => {
    const made = newFolderAttempt()
    const uploader = await new Uploader(made).ready()
    expect(await uploader.terminate().exit()).toBe(0)
    write(made, 'late', 'too late')
    expect(await new Uploader(made).exit()).toBe(0)
    expect((await manifestOf(made.store)).entries.map((entry) => pathBytes(entry).toString())).toEqual([])
  })
})
