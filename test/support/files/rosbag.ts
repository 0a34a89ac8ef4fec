import { join } from 'node:path'
import { pythonWith } from '../python-program.ts'
import { run } from '../run.ts'

/** The version on PyPI of https://gitlab.com/ternaris/rosbags. */
const version = '0.11.9'
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
  const python = await pythonWith('rosbags', version)
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
