import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sortedNames } from '../../../sidecar/scan/byte-path.ts'
import { Directory } from '../../../sidecar/scan/directory.ts'
import type { Found } from '../../../sidecar/scan/found.ts'
import { walk } from '../../../sidecar/scan/walk.ts'

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'jobferry-walk-'))
  // Not node:fs: it can't remove what lies deeper than a path can say.
  onTestFinished(() => void execFileSync('rm', ['-rf', directory]))
  return directory
}

function walked(directory: string): Found[] {
  const root = Directory.open(directory)
  try {
    return [...walk(root)].map((found) => ({ ...found }))
  } finally {
    root.close()
  }
}

const bytesOrder = (a: string, b: string) =>
  Buffer.compare(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1'))

describe('walking a directory', () => {
  it('leaves out paths that are too long for a line of the manifest, and says so', () => {
    const directory = temporary()
    const dig = 'import os\nfor _ in range(300): os.mkdir("d" * 250); os.chdir("d" * 250)'
    execFileSync('python3', ['-c', dig], { cwd: directory })
    writeFileSync(join(directory, 'e'), '')
    const found = walked(directory)
    expect(found.at(-1)).toMatchObject({ path: 'e', type: 'file' })
    const deepest = found.at(-2)
    expect(deepest).toMatchObject({
      type: 'directory',
      error: expect.stringContaining('longer than 65536 bytes'),
    })
    expect(deepest?.path.length).toBeLessThan(65_536 + 256)
  })

  it('sorts by the bytes of full paths where names are prefixes of one another', () => {
    const directory = temporary()
    for (const name of ['a/b', 'a.txt', 'a-/x', 'a--/y', 'a0', 'a/b.c/d', 'a/b-', 'a b/z']) {
      mkdirSync(dirname(join(directory, name)), { recursive: true })
      if (name === 'a/b') mkdirSync(join(directory, name), { recursive: true })
      else writeFileSync(join(directory, name), '')
    }
    expect(walked(directory).map(({ path }) => path)).toEqual([
      'a',
      'a b',
      'a b/z',
      'a-',
      'a--',
      'a--/y',
      'a-/x',
      'a.txt',
      'a/b',
      'a/b-',
      'a/b.c',
      'a/b.c/d',
      'a0',
    ])
  })

  it('finds every path of any tree once, in order', () => {
    const directory = temporary()
    const name = fc
      .array(fc.constantFrom('a', '-', '.', '0', ' ', '\n', '\xff', '\xc3\xa9', '!'), {
        minLength: 1,
        maxLength: 4,
      })
      .map((parts) => parts.join(''))
      .filter((text) => text !== '.' && text !== '..')
    const paths = fc.array(fc.array(name, { minLength: 1, maxLength: 4 }), { maxLength: 30 })
    let run = 0
    fc.assert(
      fc.property(paths, (trees) => {
        const root = join(directory, String(run++))
        const made = new Set<string>()
        mkdirSync(root)
        for (const parts of trees) {
          for (let depth = 1; depth <= parts.length; depth += 1) made.add(parts.slice(0, depth).join('/'))
          mkdirSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from(parts.join('/'), 'latin1')]), {
            recursive: true,
          })
        }
        expect(walked(root).map(({ path }) => path)).toEqual([...made].sort(bytesOrder))
      }),
      { numRuns: 40 },
    )
  })

  it('goes deeper than the longest path that can be opened', () => {
    const directory = temporary()
    const name = 'd'.repeat(200)
    const dig = `for (let i = 0; i < 60; i++) { fs.mkdirSync('${name}'); process.chdir('${name}') } fs.writeFileSync('leaf', '')`
    execFileSync(process.execPath, ['-e', dig], { cwd: directory })
    const found = walked(directory)
    expect(found).toHaveLength(61)
    expect(found.at(-1)).toMatchObject({ type: 'file', path: `${`${name}/`.repeat(60)}leaf` })
  })

  it('names the kind of anything but file, directory and link, and follows no links', async () => {
    const directory = temporary()
    execFileSync('mkfifo', [join(directory, 'fifo')])
    const server = createServer().listen(join(directory, 'sock'))
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    symlinkSync('/etc', join(directory, 'out'))
    symlinkSync('nowhere', join(directory, 'dangling'))
    expect(walked(directory).map(({ stat: _, ...found }: Found & { stat?: unknown }) => found)).toEqual([
      { path: 'dangling', type: 'symlink', target: Buffer.from('nowhere') },
      { path: 'fifo', type: 'skipped', error: 'fifo' },
      { path: 'out', type: 'symlink', target: Buffer.from('/etc') },
      { path: 'sock', type: 'skipped', error: 'socket' },
    ])
  })

  it('leaves no descriptor open, even if the walk is ended early', () => {
    const directory = temporary()
    mkdirSync(join(directory, 'a/b/c'), { recursive: true })
    const open = () =>
      readdirSync('/proc/self/fd')
        .map(leadsTo)
        .filter((path) => path.startsWith(directory))
    walked(directory)
    const root = Directory.open(directory)
    const scan = walk(root)
    scan.next()
    scan.next()
    scan.return()
    root.close()
    expect(open()).toEqual([])
  })
})

function leadsTo(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return ''
  }
}

it('a name that readdir gives twice counts once', () => {
  expect(sortedNames(['b', '\xff', 'a', 'b', 'B'])).toEqual(['B', 'a', 'b', '\xff'])
})
