import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { codeOf } from '../../../util/error-code.ts'

/** Identifies one process: pids are reused, a pid together with its start time is not. */
export interface ProcessRef {
  pid: number
  /**
   * Opaque. On Linux the boot id and the start in clock ticks since boot, elsewhere the output of
   * `ps`.
   */
  started: string
}

/** An entry of /proc. */
export interface ProcessEntry {
  pid: number
  /** `Z` and `X`: it has ended and waits for its parent. */
  state: string
  group: number
  startTicks: string
}

const onLinux = process.platform === 'linux'

/**
 * The process that has this pid now; undefined if there is none, or it has ended. Throws if that
 * can't be found out (EMFILE, EIO …): the process may run.
 */
export function refOf(pid: number): ProcessRef | undefined {
  if (!onLinux) return refByPs(pid)
  const entry = readEntry(String(pid))
  return entry && { pid, started: `${bootId()}:${entry.startTicks}` }
}

/** As refOf(), undefined also if it can't be found out. */
export function refIfKnown(pid: number): ProcessRef | undefined {
  try {
    return refOf(pid)
  } catch {
    return undefined
  }
}

/** True if this same process still runs; throws as refOf(). */
export function isProcessRunning(ref: ProcessRef): boolean {
  return refOf(ref.pid)?.started === ref.started
}

/** False if the process ended with an earlier boot of this machine; true where that is unknown. */
export function isOfThisBoot({ started }: ProcessRef): boolean {
  try {
    return !onLinux || started.startsWith(`${bootId()}:`)
  } catch {
    return true
  }
}

/** True if `entry` started before `ref`, both since the same boot. */
export function startedBefore(entry: ProcessEntry, ref: ProcessRef): boolean {
  return Number(entry.startTicks) < Number(ticksOf(ref))
}

export function isSame(entry: ProcessEntry, ref: ProcessRef): boolean {
  return entry.pid === ref.pid && entry.startTicks === ticksOf(ref)
}

/** The running processes of this machine; empty without /proc. */
export async function listProcesses(): Promise<ProcessEntry[]> {
  if (!onLinux) return []
  const found: ProcessEntry[] = []
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  for (const [index, name] of names.entries()) {
    // Synchronous reads are far cheaper than the thread pool's; the event loop gets a turn every
    // 100.
    if (index % 100 === 99) await setImmediate()
    const entry = readEntry(name)
    if (entry !== undefined) found.push(entry)
  }
  return found
}

/**
 * The value that a variable had at the process' start; undefined if it was not set, or the process
 * has ended or is another user's. Rejects otherwise (EMFILE, EIO …).
 */
export async function variableOf(pid: number, name: string): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/environ`, 'latin1').catch((error: unknown) => {
    if (isNotOurs(error)) return ''
    throw error
  })
  const line = text.split('\0').find((entry) => entry.startsWith(`${name}=`))
  return line?.slice(name.length + 1)
}

/**
 * Parses `/proc/<pid>/stat`, see proc_pid_stat(5): the name in parentheses may contain spaces and
 * parentheses.
 */
export function parseStat(text: string): ProcessEntry | undefined {
  const pid = Number.parseInt(text, 10)
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, , group] = fields
  const startTicks = fields[19]
  if (Number.isNaN(pid) || state === undefined || group === undefined || startTicks === undefined)
    return undefined
  return { pid, state, group: Number(group), startTicks }
}

/** Undefined if it has ended. */
function readEntry(pid: string): ProcessEntry | undefined {
  try {
    const entry = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    return entry?.state === 'Z' || entry?.state === 'X' ? undefined : entry
  } catch (error) {
    if (isNotOurs(error)) return undefined
    throw error
  }
}

/** The process has ended, or is another user's (hidepid, see proc(5)). */
function isNotOurs(error: unknown): boolean {
  return ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(codeOf(error) ?? '')
}

function refByPs(pid: number): ProcessRef | undefined {
  try {
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return started === '' ? undefined : { pid, started }
  } catch (error) {
    // `ps` ran and found no such process.
    if (typeof (error as { status?: unknown }).status === 'number') return undefined
    throw error
  }
}

function ticksOf(ref: ProcessRef): string {
  return ref.started.slice(ref.started.lastIndexOf(':') + 1)
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}
