import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'

/** One process, not just its pid: pids are used again, a pid together with its start is not. */
export interface ProcessRef {
  pid: number
  /** Opaque. Linux: the boot's id and the start in clock ticks since; elsewhere what `ps` says. */
  started: string
}

/** A process of this machine as Linux shows it. */
export interface ProcessEntry {
  pid: number
  /** `Z` and `X` have ended and only wait to be collected. */
  state: string
  group: number
  startTicks: string
}

const onLinux = process.platform === 'linux'

/** The process that has this pid now; undefined where there is none or it has ended. */
export function refOf(pid: number): ProcessRef | undefined {
  try {
    if (!onLinux) {
      const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
      return started === '' ? undefined : { pid, started }
    }
    const entry = readEntry(String(pid))
    return entry && { pid, started: `${bootId()}:${entry.startTicks}` }
  } catch {
    return undefined
  }
}

/** Whether that very process still runs. */
export function isRunning(ref: ProcessRef): boolean {
  return refOf(ref.pid)?.started === ref.started
}

/** Whether a process began before the referred one; both of the same boot. */
export function isOlder(entry: ProcessEntry, ref: ProcessRef): boolean {
  return Number(entry.startTicks) < Number(ticksOf(ref))
}

export function isSame(entry: ProcessEntry, ref: ProcessRef): boolean {
  return entry.pid === ref.pid && entry.startTicks === ticksOf(ref)
}

/** Processes of this machine that run; empty where there is no /proc. */
export async function listProcesses(): Promise<ProcessEntry[]> {
  if (!onLinux) return []
  const found: ProcessEntry[] = []
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  for (const [index, name] of names.entries()) {
    // Read at once, which is far cheaper than through the thread pool; but not all in one go.
    if (index % 100 === 99) await setImmediate()
    const entry = readEntry(name)
    if (entry !== undefined) found.push(entry)
  }
  return found
}

/** The value that a variable had when the process was started; undefined where it had none or can't be read. */
export async function variableOf(pid: number, name: string): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
  const line = text.split('\0').find((entry) => entry.startsWith(`${name}=`))
  return line?.slice(name.length + 1)
}

/** `/proc/<pid>/stat`, see proc_pid_stat(5): the name in parentheses may itself hold spaces and parentheses. */
export function parseStat(text: string): ProcessEntry | undefined {
  const pid = Number.parseInt(text, 10)
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, , group] = fields
  const startTicks = fields[19]
  if (Number.isNaN(pid) || state === undefined || group === undefined || startTicks === undefined)
    return undefined
  return { pid, state, group: Number(group), startTicks }
}

/** Undefined for one that has ended, collected or not. */
function readEntry(pid: string): ProcessEntry | undefined {
  try {
    const entry = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    return entry?.state === 'Z' || entry?.state === 'X' ? undefined : entry
  } catch {
    return undefined
  }
}

function ticksOf(ref: ProcessRef): string {
  return ref.started.slice(ref.started.lastIndexOf(':') + 1)
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}
