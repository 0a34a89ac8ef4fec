import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run, succeeds } from '../run.ts'

/** The version on PyPI of https://gitlab.com/ternaris/rosbags. */
const version = '0.11.9'
const root = join(import.meta.dirname, '../../..')
const script = join(import.meta.dirname, 'rosbag.py')

/** Writes and reads rosbags with the rosbags library. */
export interface Rosbag {
  /** Writes a bag of about 37 MB: always the same 440 messages on three topics. */
  write(path: string): Promise<void>
  /** The messages of a bag, in order. */
  read(path: string): Promise<RosbagMessage[]>
}

export interface RosbagMessage {
  topic: string
  type: string
  /** Nanoseconds since the epoch. */
  time: string
  /** SHA-256 of the serialized message in hex. */
  sha256: string
  /** The text of a text message. */
  data: string | null
}

/** The library in its own Python environment, installed at the first use. */
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
    // A rename, so that an interrupted installation is never used.
    // `bin/python` works in any folder.
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
  // Debian's python3 lacks the module that makes environments.
  if (process.getuid?.() === 0) await run('apt-get', ['install', '-y', '-qq', 'python3-venv'])
  await run('python3', args)
}
