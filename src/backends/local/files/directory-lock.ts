import { createHash, randomUUID } from 'node:crypto'
import { link, readFile, readlink, symlink, unlink } from 'node:fs/promises'
import { codeOf } from '../../../util/error-code.ts'
import { StartError } from '../../../util/errors.ts'
import { defined } from '../../../util/objects.ts'
import { isProcessRunning, type ProcessRef, refOf } from '../process/process-table.ts'
import { isDueToFullDisk } from './disk.ts'
import { writeDurably } from './durable-files.ts'

/**
 * Locks a directory for this process: a second one would kill the first one's jobs as orphans.
 * Returns the function that unlocks it; the lock of a killed process counts no more. Rejects with
 * StartError.
 */
export async function lock(path: string): Promise<() => Promise<void>> {
  const own = refOf(process.pid)
  if (own === undefined)
    throw new StartError('/proc: this process can not find itself in it; expected the process table')
  const claim = `${path}.${randomUUID()}`
  const isFull = await writeDurably(claim, JSON.stringify(own)).then(() => false, ifFull)
  try {
    for (;;) {
      const isOurs = isFull ? await nameIfAbsent(own, path) : await linkIfAbsent(claim, path)
      if (isOurs) return async () => unlink(path).catch(() => undefined)
      const held = await readHolder(path)
      if (held === undefined) continue
      const { holder } = held
      if (holder && isProcessRunning(holder)) {
        throw new StartError(
          `settings: DATA_DIRECTORY: ${path} is held by process ${holder.pid}; expected one for each API`,
        )
      }
      await removeStale(path, held.text)
    }
  } finally {
    await unlinkIfThere(claim)
  }
}

async function linkIfAbsent(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

function ifFull(error: unknown): true {
  if (isDueToFullDisk(error)) return true
  throw error
}

/**
 * On a full disk: the target of a link needs no room of its own, where it has less than 60 bytes.
 */
async function nameIfAbsent({ pid, started }: ProcessRef, path: string): Promise<boolean> {
  try {
    await symlink(`${pid}:${started}`, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error
  })
}

/**
 * Removes the lock of a process that has ended. Of several processes that find it at the same time
 * one alone may do so: the others would remove the lock that the first one has taken since. They
 * are kept out by a lock of the same kind, named after the stale one. Rejects as lock().
 */
async function removeStale(path: string, text: string): Promise<void> {
  const name = createHash('sha256').update(text).digest('hex').slice(0, 16)
  const unlock = await lock(`${path}.${name}`)
  try {
    if ((await readHolder(path))?.text === text) await unlinkIfThere(path)
  } finally {
    await unlock()
  }
}

interface Held {
  text: string
  /** Undefined if the lock names none: it is damaged. */
  holder?: ProcessRef
}

/** Undefined if there is no lock. */
async function readHolder(path: string): Promise<Held | undefined> {
  const target = await readlink(path).catch(() => undefined)
  if (target !== undefined) {
    const [, pid, started] = /^(\d+):(.+)$/.exec(target) ?? []
    if (pid === undefined || started === undefined) return { text: target }
    return { text: target, holder: { pid: Number(pid), started } }
  }
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  return text === undefined ? undefined : { text, ...defined({ holder: parseHolder(text) }) }
}

function parseHolder(text: string): ProcessRef | undefined {
  try {
    const { pid, started } = JSON.parse(text) as Partial<ProcessRef>
    return pid === undefined || started === undefined ? undefined : { pid, started }
  } catch {
    return undefined
  }
}
