import { randomUUID } from 'node:crypto'
import { unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDiskFull } from '../../../util/error-code.ts'
import { messageOf, Problem } from '../../../util/errors.ts'
import { within } from '../../../util/timers.ts'

/** True if the error, or its cause, says that a disk has no room left. */
export function isDueToFullDisk(error: unknown): boolean {
  if (isDiskFull(error)) return true
  return error instanceof Error && error.cause !== undefined && isDueToFullDisk(error.cause)
}

/** The Problem `unavailable` for an error of writing into `directory`, below DATA_DIRECTORY. */
export function writeProblem(directory: string, cause: unknown): Problem {
  return new Problem('unavailable', sentence(directory, cause), { cause })
}

/** Less room than that is reported before jobs fail for it. */
const probeBytes = 64 * 1024
const freshMilliseconds = 5000
/** A disk that hangs answers the next call. */
const waitMilliseconds = 500

/**
 * Tries whether a directory can be written, when it is asked and not more often than every 5 s.
 * Resolves with the sentence for /health that says why not.
 */
export function createDiskProbe(directory: string): () => Promise<string | undefined> {
  let trouble: string | undefined
  let asking: Promise<void> = Promise.resolve()
  let askedAt = Number.NEGATIVE_INFINITY
  const ask = async () => {
    trouble = await probe(directory)
  }
  return async () => {
    if (performance.now() - askedAt >= freshMilliseconds) {
      askedAt = performance.now()
      asking = ask()
    }
    await within(waitMilliseconds, asking)
    return trouble
  }
}

async function probe(directory: string): Promise<string | undefined> {
  const path = join(directory, `probe.${randomUUID()}.new`)
  try {
    await writeFile(path, Buffer.alloc(probeBytes, 'x'), { flag: 'wx', mode: 0o600 })
    return undefined
  } catch (error) {
    return sentence(directory, error)
  } finally {
    await unlink(path).catch(() => undefined)
  }
}

function sentence(directory: string, error: unknown): string {
  if (!isDueToFullDisk(error)) return `${directory} (DATA_DIRECTORY) can't be written: ${messageOf(error)}`
  return `the disk of ${directory} (DATA_DIRECTORY) is full: delete jobs or make room for new ones`
}
