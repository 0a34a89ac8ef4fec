import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { constants } from 'node:os'
import { signalGroup } from './kill.ts'
import { type ProcessRef, refOf } from './process-table.ts'

/** A process that leads a session and a process group of its own. */
export interface Child {
  pid: number
  /** Undefined where it had ended before it could be looked at. */
  ref: ProcessRef | undefined
  /** Never rejects. */
  exit: Promise<Exit>
}

export interface Exit {
  at: number
  /** 128 and the signal's number where one ended it. */
  code: number
}

export interface ChildOptions {
  command: readonly string[]
  env: Record<string, string>
  cwd: string
  /** Both outputs are appended to it. */
  logFile: string
}

/** A program that could not be started; `exitCode` is what a shell would give. */
export class CannotStart extends Error {
  readonly exitCode: 126 | 127

  constructor(program: string, cause: unknown) {
    const code = (cause as NodeJS.ErrnoException).code
    const absent = code === 'ENOENT'
    const why = absent ? 'there is no such program' : (cause as Error).message
    super(`the command ${JSON.stringify(program)} can't be started: ${why}`, { cause })
    this.name = 'CannotStart'
    this.exitCode = absent ? 127 : 126
  }
}

/** Starts a program, no shell in between; rejects with CannotStart. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const [program = '', ...args] = options.command
  const output = await open(options.logFile, 'a', 0o600)
  try {
    const process = spawn(program, args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
    })
    const exit = exitOf(process)
    if (process.pid === undefined) {
      const [error] = await once(process, 'error')
      throw error
    }
    return { pid: process.pid, ref: refOf(process.pid), exit }
  } catch (error) {
    throw new CannotStart(program, error)
  } finally {
    await output.close()
  }
}

function exitOf(process: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    process.once('exit', (code, signal) => {
      const at = Date.now()
      // At once, while no other group can have its number yet.
      if (process.pid !== undefined) signalGroup(process.pid, 'SIGKILL')
      resolve({ at, code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) })
    })
  })
}
