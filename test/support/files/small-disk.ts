import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Mounting needs root on Linux. */
export const canMount = process.platform === 'linux' && process.getuid?.() === 0

/**
 * A real file system of that many MiB, unmounted after the test. `options` are those of mount(8).
 */
export function smallDisk(mebibytes: number, options = 'rw'): string {
  const folder = mkdtempSync(join(tmpdir(), 'jobferry-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=700,${options}`, 'tmpfs', folder])
  onTestFinished(() => {
    execFileSync('umount', ['-l', folder])
    rmSync(folder, { recursive: true })
  })
  return folder
}

/** Fills a file system to its last byte, with a file that is not Jobferry's. */
export function fillDisk(folder: string): void {
  const ballast = join(folder, 'ballast')
  try {
    for (;;) writeFileSync(ballast, Buffer.alloc(4096, 'x'), { flag: 'a' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
  if (statfsSync(folder).bavail !== 0) throw new Error(`${folder} is not full`)
}
