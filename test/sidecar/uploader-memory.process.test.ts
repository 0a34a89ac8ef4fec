import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { manifestOf } from './stored.ts'
import { type Attempt, newFolderAttempt, Uploader } from './uploader-process.ts'

const MiB = 1024 * 1024

/** The most memory that storing takes beyond what the program takes at rest, in MiB. */
async function growthWhileStoring(made: Attempt): Promise<number> {
  const uploader = await new Uploader(made).ready()
  const pid = uploader.programPid()
  const atRest = peakOf(pid) ?? 0
  let peak = atRest
  const watching = setInterval(() => {
    peak = peakOf(pid) ?? peak
  }, 20)
  const code = await uploader.terminate().exit()
  clearInterval(watching)
  expect(code).toBe(0)
  return peak - atRest
}

/**
 * The kernel's high-water mark of resident memory, in MiB; undefined once the process has ended.
 */
function peakOf(pid: number | undefined): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const [, kibibytes] = /VmHWM:\s+(\d+)/.exec(status) ?? []
    return kibibytes === undefined ? undefined : Number(kibibytes) / 1024
  } catch {
    return undefined
  }
}

/**
 * A pod may use 256 MiB, the program at rest takes 70. What storing adds is the buffers and a heap
 * that is cleaned now and then; it is the same for ten times the files and for a file of any size.
 */
describe('memory', () => {
  it('does not grow with a file’s size', async () => {
    const made = newFolderAttempt()
    writeFileSync(join(made.result, 'large'), '')
    truncateSync(join(made.result, 'large'), 512 * MiB)
    expect(await growthWhileStoring(made)).toBeLessThan(60)
  })

  it('does not grow with the number of files', async () => {
    const made = newFolderAttempt()
    for (let index = 0; index < 10_000; index += 1)
      writeFileSync(join(made.result, `some-name-${index}`), 'content')
    expect(await growthWhileStoring(made)).toBeLessThan(60)
    expect((await manifestOf(made.store)).head.count).toBe(10_000)
  })
})
