import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run, succeeds } from './run.ts'

/** The library of https://gitlab.com/ternaris/rosbags, as PyPI has it. */
const version = '0.11.9'
const root = join(import.meta.dirname, '../..')
const script = join(import.meta.dirname, 'rosbag.py')

/** Writes and reads rosbags with a real library. */
export interface Rosbag {
  /** A new bag of some 37 MB: 440 messages on three topics, always the same ones. */
  write(path: string): Promise<void>
  /** What the library finds in a bag, in order. */
  read(path: string): Promise<RosbagMessage[]>
}

export interface RosbagMessage {
  topic: string
  type: string
  /** Nanoseconds. */
  time: string
  /** Of the serialized message. */
  sha256: string
  /** Of a text message. */
  data: string | null
}

/** The library in a Python environment of its own, installed at the first use. */
export async function rosbagLibrary(): Promise<Rosbag> {
  const cache = join(root, 'node_modules/.cache')
  const environment = join(cache, `rosbags-${version}`)
  const python = join(environment, 'bin/python')
  if (!(await succeeds(python, ['-c', 'import rosbags'], 30_000))) {
    const made = `${environment}.${process.pid}`
    await mkdir(cache, { recursive: true })
    await makeEnvironment(made)
    await run(join(made, 'bin/pip'), ['install', '--quiet', '--no-input', `rosbags==${version}`])
    await rm(environment, { recursive: true, force: true })
    // In one step: a cut installation is never taken for a whole one. `bin/python` works wherever it lies.
    await rename(made, environment)
  }
  return {
    async write(path) {
      await run(python, [script, 'write', path])
    },
    async read(path) {
      const lines = (await run(python, [script, 'read', path])).trimEnd().split('\n')
      return lines.map((line) => JSON.parse(line) as RosbagMessage)
    },
  }
}

async function makeEnvironment(folder: string): Promise<void> {
  const args = ['-m', 'venv', folder]
  if (await succeeds('python3', args, 60_000)) return
  // Debian's python3 lacks what makes environments.
  if (process.getuid?.() === 0) await run('apt-get', ['install', '-y', '-qq', 'python3-venv'])
  await run('python3', args)
}
