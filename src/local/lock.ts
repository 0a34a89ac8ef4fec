import { randomUUID } from 'node:crypto'
import { link, readFile, unlink } from 'node:fs/promises'
import { Problem } from '../errors.ts'
import { writeDurably } from './durable.ts'
import { isRunning, type ProcessRef, refOf } from './process-table.ts'

/**
 * Takes a directory for this process alone, since a second one would kill the first one's jobs as left over; returns
 * the function that gives it back. A process that was killed holds nothing. Rejects with Problem `unavailable`.
 */
export async function lock(path: string): Promise<() => Promise<void>> {
  const own = refOf(process.pid)
  if (own === undefined)
    throw new Problem('unavailable', 'this process can not find itself in the process table')
  const claim = `${path}.${randomUUID()}`
  await writeDurably(claim, JSON.stringify(own))
  try {
    for (;;) {
      if (await linkIfAbsent(claim, path)) return async () => unlink(path).catch(() => undefined)
      const holder = await readHolder(path)
      if (holder && isRunning(holder)) {
        throw new Problem(
          'unavailable',
          `${path} is held by process ${holder.pid}: one DATA_DIRECTORY serves one API`,
        )
      }
      await unlink(path).catch(() => undefined)
    }
  } finally {
    await unlink(claim)
  }
}

async function linkIfAbsent(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function readHolder(path: string): Promise<ProcessRef | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ProcessRef
  } catch {
    return undefined
  }
}
