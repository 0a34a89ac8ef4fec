import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fetchInputs } from '../../../sidecar/prepare/fetch-inputs.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { createFolderStore } from '../../../src/store/folder/folder.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { job } from '../uploader-process.ts'

const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex')

/** A store with inputs of these names and contents; gives how to fetch them. */
async function withInputs(files: Record<string, string>) {
  const root = temporaryFolder()
  const store = createFolderStore(join(root, 'store'))
  await store.prepare()
  const lines: string[] = []
  for (const [index, [path, content]] of Object.entries(files).entries()) {
    const key = `key-${index}`
    const { etag } = await store.put(jobKeys.input(job, key), Buffer.from(content))
    const mtime = '2025-01-02T03:04:05.000000000Z'
    const entry = {
      path,
      type: 'file',
      size: Buffer.byteLength(content),
      sha256: sha256(content),
      key,
      etag,
      mtime,
    }
    lines.push(`${JSON.stringify(entry)}\n`)
  }
  const list = lines.join('')
  await store.put(jobKeys.inputList(job, sha256(list)), Buffer.from(list))
  const directory = join(root, 'input')
  const inputs = {
    job,
    directory,
    listFile: join(root, 'list'),
    sha256: sha256(list),
    memory: { taken: new Map() },
    note: () => undefined,
  }
  return { store, directory, inputs, fetch: () => fetchInputs(store, inputs, new AbortController().signal) }
}

describe('inputs', () => {
  it('come byte for byte, readable by any user, with their times', async () => {
    const files = { 'a.bag': 'x'.repeat(100_000), 'with space %41': '', é: 'ü' }
    for (const name of Array.from({ length: 20 }, (_, index) => `more-${index}`))
      Object.assign(files, { [name]: name })
    const { directory, fetch } = await withInputs(files)
    expect(await fetch()).toMatchObject({ count: 23 })
    expect(readdirSync(directory).sort()).toEqual(Object.keys(files).sort())
    for (const [name, content] of Object.entries(files)) {
      expect(readFileSync(join(directory, name), 'utf8')).toBe(content)
    }
    const stat = lstatSync(join(directory, 'a.bag'))
    expect([stat.mode & 0o777, stat.mtime.toISOString()]).toEqual([0o644, '2025-01-02T03:04:05.000Z'])
  })

  it('may have the name of another input’s temporary file', async () => {
    const files = { '.input-1.part': 'first', b: 'second', c: 'third' }
    const { directory, fetch } = await withInputs(files)
    await fetch()
    const found = readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'utf8')])
    expect(Object.fromEntries(found)).toEqual(files)
  })

  it('are not taken from a list with another digest', async () => {
    const { store, directory, inputs, fetch } = await withInputs({ a: 'a' })
    await store.put(jobKeys.inputList(job, inputs.sha256), Buffer.from('{}\n'))
    await expect(fetch()).rejects.toThrow(/ndjson has another SHA-256/)
    expect(readdirSync(directory)).toEqual([])
  })

  it('do not appear under their names if their bytes differ from the list', async () => {
    const { store, directory, fetch } = await withInputs({ a: 'aaaa' })
    await store.put(jobKeys.input(job, 'key-0'), Buffer.from('bbbb'))
    await expect(fetch()).rejects.toThrow()
    expect(readdirSync(directory).filter((name) => !name.startsWith('.'))).toEqual([])
  })

  it('continue after a failure without fetching complete files again', async () => {
    const { store, directory, fetch } = await withInputs({ a: 'a', b: 'b' })
    await fetch()
    await store.remove([jobKeys.input(job, 'key-0')])
    rmSync(join(directory, 'b'))
    writeFileSync(join(directory, `.${sha256('b')}.part`), 'left by a kill, and longer')
    expect(await fetch()).toMatchObject({ count: 2 })
    expect(readdirSync(directory).sort()).toEqual(['a', 'b'])
  })

  it('never lie outside their directory', async () => {
    const { fetch } = await withInputs({ '../outside': 'x' })
    await expect(fetch()).rejects.toThrow('no input')
  })
})
