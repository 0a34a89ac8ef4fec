import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants as files } from 'node:fs'
import { open } from 'node:fs/promises'
import { constants } from 'node:os'
import { codeOf } from '../../../util/error-code.ts'
import { signalGroup } from './kill-processes.ts'
import { type ProcessRef, refIfKnown } from './process-table.ts'

/** A process that leads a session and a process group of its own. */
export interface Child {
  pid: number
  /** Undefined if it ended before it was found in the process table. */
  ref: ProcessRef | undefined
  /** Never rejects. */
  exit: Promise<Exit>
}

export interface Exit {
  at: number
  /** 128 plus the signal's number if a signal ended it. */
  code: number
}

export interface ChildOptions {
  command: readonly string[]
  env: Record<string, string>
  cwd: string
  /** Both outputs are appended to it. */
  logFile: string
}

/** A program that could not be started; `exitCode` as a shell gives it. */
export class SpawnError extends Error {
  readonly exitCode: 126 | 127

  constructor(program: string, cause: unknown) {
    const absent = codeOf(cause) === 'ENOENT'
    const why = absent ? 'there is no such program' : (cause as Error).message
    super(`the command ${JSON.stringify(program)} can't be started: ${why}`, { cause })
    this.name = 'SpawnError'
    this.exitCode = absent ? 127 : 126
  }
}

/** As a shell gives it for SIGTERM. */
export const terminatedCode = 128 + constants.signals.SIGTERM

// A worker may have put a link in the place of a log.
const appending = files.O_WRONLY | files.O_APPEND | files.O_CREAT | files.O_NOFOLLOW

/** Starts a program without a shell. Rejects with SpawnError. */
export async function startChild(options: ChildOptions): Promise<Child> {
  return await spawnLogged(options, 'ignore', (process, pid) => {
    return { pid, ref: refIfKnown(pid), exit: exitOf(process) }
  })
}

/**
 * Starts a program in a session of its own and appends what it prints to its log. Resolves with what
 * `started` returns, which is called before any event of the process. Rejects with SpawnError.
 */
export async function spawnLogged<T>(
  options: ChildOptions,
  stdin: 'ignore' | 'pipe',
  started: (process: ChildProcess, pid: number) => T,
): Promise<T> {
  const [program = '', ...args] = options.command
  const output = await open(options.logFile, appending, 0o600)
  try {
    const process = spawn(program, args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: [stdin, output.fd, output.fd],
    })
    if (process.pid === undefined) {
      const [error] = await once(process, 'error')
      throw error
    }
    return started(process, process.pid)
  } catch (error) {
    throw new SpawnError(program, error)
  } finally {
    await output.close()
  }
}

function exitOf(process: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    process.once('exit', (code, signal) => {
      const at = Date.now()
      // Immediately, before another process group can get its number.
      if (process.pid !== undefined) signalGroup(process.pid, 'SIGKILL')
      resolve({ at, code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) })
    })
  })
}
