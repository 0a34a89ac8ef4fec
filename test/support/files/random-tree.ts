import { spawnSync } from 'node:child_process'
import { type Cipheriv, createCipheriv, createHash } from 'node:crypto'
import { chmodSync, closeSync, mkdirSync, openSync, symlinkSync, writeSync } from 'node:fs'
import { fixedNames, numberedName } from './odd-names.ts'

/*
 * A tree of files whose every byte derives from a seed. A worker makes it, with this file and
 * odd-names.ts as inputs (`node random-tree.ts SEED FOLDER`); the test plans it again and compares
 * the results with it. Imports nothing else of the project.
 */

/** An entry of the tree; `path` is relative, each character a byte (latin1). */
export type Planned = { path: string; mode: number; mtimeNs: bigint } & (
  | { type: 'file'; size: number; seed: string }
  | { type: 'directory' }
  | { type: 'symlink'; target: string }
  | { type: 'fifo' }
)

export const fileCount = 2000
export const largestFile = 64 * 2 ** 20

/**
 * The tree, folders before their contents: 2,000 files, their sizes log-uniform from 0
 * to 4 MiB, to 64 MiB for every 20th file (about 0.9 GiB in all), and folders (also
 * empty folders), symlinks and a FIFO.
 */
export function planTree(seed: string): Planned[] {
  const chance = new Chance(seed)
  const folders = planFolders(chance)
  const taken = new Set(folders)
  const add = (folder: string, name: string): string => {
    for (let number = 0; ; number += 1) {
      const path = join(folder, number === 0 ? name : numberedName(chance.below(1e9)))
      if (taken.has(path)) continue
      taken.add(path)
      return path
    }
  }
  const attributes = () => ({ mode: chance.of(fileModes), mtimeNs: mtime(chance) })
  const tree: Planned[] = folders.map((path) => ({
    type: 'directory',
    path,
    mode: chance.of(directoryModes),
    mtimeNs: mtime(chance),
  }))
  const open = folders.filter((path) => !path.endsWith('empty'))
  for (let number = 0; number < fileCount; number += 1) {
    const name = number < fixedNames.length * 2 ? chance.of(fixedNames) : numberedName(chance.below(1e9))
    const path = add(number < 40 ? '' : chance.of(['', ...open]), name)
    tree.push({
      type: 'file',
      path,
      size: sizeOf(number, chance),
      seed: `${seed}/${number}`,
      ...attributes(),
    })
  }
  for (const target of linkTargets) {
    const path = add(chance.of(open), `link ${chance.below(1e6)}`)
    tree.push({ type: 'symlink', path, target, mode: 0o777, mtimeNs: mtime(chance) })
  }
  tree.push({ type: 'fifo', path: add(chance.of(open), 'pipe\n'), mode: 0o644, mtimeNs: mtime(chance) })
  return tree
}

/** A file's bytes in pieces; each piece is overwritten by the next one. */
export function* contentOf(file: { size: number; seed: string }): Generator<Buffer, void> {
  const stream = keyStream(file.seed)
  for (let left = file.size; left > 0; ) {
    const piece = stream.update(zeros.subarray(0, left))
    yield piece
    left -= piece.length
  }
}

const zeros = Buffer.alloc(2 ** 20)
const fileModes = [0o644, 0o600, 0o755, 0o400, 0o000, 0o666, 0o4755, 0o2711, 0o1644, 0o7777]
const directoryModes = [0o755, 0o700, 0o1777, 0o2775, 0o500, 0o555, 0o000]
const sizes = [0, 1, largestFile, 8 * 2 ** 20 - 1, 8 * 2 ** 20, 8 * 2 ** 20 + 1, 16 * 2 ** 20, 2 ** 20, 65536]
const linkTargets = [
  ...[
    '.',
    '..',
    'missing',
    '../../../../..',
    '/',
    '/etc/passwd',
    '/proc/self/environ',
    '/credentials/secret-key',
  ],
  ...[
    ' ',
    'line\nbreak',
    '%41',
    '\xff\xfe',
    'x'.repeat(4000),
    './a//b/../',
    '~',
    '-rf',
    'with trailing space ',
  ],
]

function sizeOf(number: number, chance: Chance): number {
  const most = number % 60 === 0 ? largestFile : 4 * 2 ** 20
  return sizes[number] ?? Math.floor(Math.exp(chance.next() * Math.log(most + 1)) - 1)
}

/**
 * Odd names, a deep chain, and names like `a`, `a-`, `a/a`, which sort
 * differently as paths and as names.
 */
function planFolders(chance: Chance): string[] {
  const folders = ['a', 'a-', 'a b', 'a.', 'a/a', 'a/empty', 'a-/empty', 'a\x01', 'a0']
  let deep = 'deep'
  for (let level = 0; level < 60; level += 1) {
    folders.push(deep)
    deep = join(deep, level % 5 === 0 ? numberedName(level) : `${level} `)
  }
  for (let path = 'long'; path.length < 2800; path = join(path, numberedName(13 + 20 * path.length))) {
    folders.push(path)
  }
  for (const name of fixedNames) folders.push(join('odd', name))
  folders.push('odd')
  for (let number = 0; number < 120; number += 1) {
    const parent = chance.of(folders)
    if (parent.length < 2500 && !parent.endsWith('empty')) folders.push(join(parent, numberedName(number)))
  }
  for (let number = 0; number < 20; number += 1) folders.push(join(chance.of(folders), `${number} empty`))
  return [...new Set(folders)].filter((path) => !/empty\//.test(path)).sort()
}

/** A time from 1902 to 2037 in nanoseconds, a range that every file system supports. */
function mtime(chance: Chance): bigint {
  const seconds =
    chance.below(20) === 0
      ? chance.below(4_200_000_000) - 2_100_000_000
      : 1_000_000_000 + chance.below(760_000_000)
  return BigInt(seconds) * 1_000_000_000n + BigInt(chance.below(1_000_000_000))
}

function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

/** Random numbers, the same for the same seed. */
class Chance {
  readonly #stream: Cipheriv

  constructor(seed: string) {
    this.#stream = keyStream(seed)
  }

  /** A number from 0 to below 1. */
  next(): number {
    return this.#stream.update(zeros.subarray(0, 6)).readUIntBE(0, 6) / 2 ** 48
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }
}

function keyStream(seed: string): Cipheriv {
  const key = createHash('sha256').update(seed).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
}

function makeTree(seed: string, folder: string): void {
  process.chdir(folder)
  const tree = planTree(seed)
  const at = (path: string) => Buffer.from(`./${path}`, 'latin1')
  for (const one of tree) {
    if (one.type === 'directory') mkdirSync(at(one.path))
    if (one.type === 'symlink') symlinkSync(Buffer.from(one.target, 'latin1'), at(one.path))
    if (one.type === 'fifo') shell([`mkfifo ${quoted(one.path)}`])
    if (one.type === 'file') {
      const descriptor = openSync(at(one.path), 'wx')
      for (const piece of contentOf(one)) writeSync(descriptor, piece)
      closeSync(descriptor)
    }
  }
  for (const one of tree) if (one.type !== 'symlink') chmodSync(at(one.path), one.mode)
  // Node's times are floating-point numbers, too coarse for nanoseconds.
  shell(tree.map(({ path, mtimeNs }) => `touch -hd @${decimal(mtimeNs)} ${quoted(path)}`))
}

/** Runs the commands as a script, because Node's arguments would have to be UTF-8. */
function shell(commands: readonly string[]): void {
  const script = Buffer.from(`set -e\n${commands.join('\n')}\n`, 'latin1')
  const { status } = spawnSync('sh', { input: script, stdio: ['pipe', 'inherit', 'inherit'] })
  if (status !== 0) throw new Error(`sh ended with ${status}`)
}

function quoted(path: string): string {
  return `'./${path.replaceAll("'", "'\\''")}'`
}

function decimal(nanoseconds: bigint): string {
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds
  return `${nanoseconds < 0n ? '-' : ''}${size / 1_000_000_000n}.${String(size % 1_000_000_000n).padStart(9, '0')}`
}

if (import.meta.main) {
  const [seed = '', folder = ''] = process.argv.slice(2)
  makeTree(seed, folder)
}
