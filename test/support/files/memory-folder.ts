import { mkdtemp, readdir, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

const memory = '/dev/shm'
/** Containers often have 64 MB. */
const leastBytes = 1024 ** 3

/**
 * Lets the project's tests make their temporary files in memory if there is room: on a disk the
 * folder store's fsync() calls take most of the tests' time. The returned function checks that the
 * tests left nothing behind.
 */
export default async function setUp({ config }: TestProject): Promise<(() => Promise<void>) | undefined> {
  const room = await statfs(memory).catch(() => undefined)
  if (room === undefined || room.bavail * room.bsize < leastBytes) return undefined
  const folder = await mkdtemp(join(memory, 'jobferry-test-'))
  config.env = { ...config.env, TMPDIR: folder }
  return async () => {
    const left = await readdir(folder)
    await rm(folder, { recursive: true, force: true })
    if (left.length === 0) return
    // Vitest only logs an error that a teardown throws.
    console.error(`FAIL  after the tests: they left ${left.join(', ')} in their temporary folder`)
    process.exitCode = 1
  }
}
