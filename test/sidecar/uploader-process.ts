import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createFolderStore } from '../../src/store/folder/folder.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { temporaryFolder } from '../support/files/temporary-folder.ts'
import { freePort } from '../support/free-port.ts'
import { programEnvironment } from '../support/program-environment.ts'
import { preparedFolder } from '../support/store/folder-store.ts'
import { eventually } from '../support/time/eventually.ts'

export const job = '11111111-2222-8333-8444-555555555555'
export const attempt = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'

/** Folders of one attempt, which go with the test. */
export interface Attempt {
  root: string
  result: string
  state: string
  message: string
  environment: Record<string, string>
}

export function newAttempt(environment: Record<string, string> = {}): Attempt {
  const root = temporaryFolder()
  const [result, state, message] = [join(root, 'result'), join(root, 'state'), join(root, 'message')] as const
  mkdirSync(result)
  return {
    root,
    result,
    state,
    message,
    environment: {
      ...programEnvironment(),
      JOB_UUID: job,
      ATTEMPT_UID: attempt,
      RESULT_DIRECTORY: result,
      STATE_DIRECTORY: state,
      UPLOAD_TIMEOUT_SECONDS: '300',
      TERMINATION_MESSAGE_FILE: message,
      ...environment,
    },
  }
}

/** An attempt whose store is a folder of its own. */
export function newFolderAttempt(
  environment: Record<string, string> = {},
): Attempt & { store: ArtifactStore } {
  const made = newAttempt()
  const directory = preparedFolder(join(made.root, 'store'))
  const store = createFolderStore(directory)
  return { ...made, environment: { ...made.environment, STORE_DIRECTORY: directory, ...environment }, store }
}

/** Variables of an uploader that listens on a free port. */
export async function listening() {
  return { UPLOADER_PORT: String(await freePort()), PRE_STOP_TOKEN: 'token' }
}

/** GETs a path of the uploader of an attempt that is listening(). */
export function getFrom({ environment }: Attempt, path: string): Promise<Response> {
  return eventually(() => fetch(`http://127.0.0.1:${environment.UPLOADER_PORT}${path}`))
}

/** Writes a file of that name (latin1: any bytes) among the results; gives its path. */
export function write(made: Attempt, name: string, content: string | Buffer): Buffer {
  const path = Buffer.concat([Buffer.from(`${made.result}/`), Buffer.from(name, 'latin1')])
  writeFileSync(path, content)
  return path
}

/** Files of random bytes in ten folders. */
export function writeMany(made: Attempt, count: number, bytes: number): void {
  for (let index = 0; index < count; index += 1) {
    const directory = join(made.result, `d${index % 10}`)
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, `f${index}`), randomBytes(bytes))
  }
}

/** The real thing: supervise.sh with the program below it, in processes of their own. */
export class Uploader {
  readonly #process: ChildProcess
  readonly #exited: Promise<number>
  readonly #state: string
  log = ''

  constructor(made: Attempt, { shell = ['/bin/sh'], wrapper = [] as string[] } = {}) {
    const [program = '', ...args] = [
      ...wrapper,
      ...shell,
      'sidecar/supervise.sh',
      process.execPath,
      'sidecar/main.ts',
    ]
    this.#state = made.state
    this.#process = spawn(program, args, {
      env: made.environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (chunk) => {
        this.log += chunk
      })
    }
    this.#exited = once(this.#process, 'exit').then(([code]) => code as number)
    onTestFinished(() => this.#killGroup())
  }

  async ready(): Promise<this> {
    await eventually(() => readFileSync(join(this.#state, 'ready')), { every: 20 })
    return this
  }

  terminate(): this {
    this.#process.kill('SIGTERM')
    return this
  }

  /** The supervisor's exit code. */
  exit(): Promise<number> {
    return this.#exited
  }

  /**
   * Kills the program below the supervisor, as the kernel does when memory is short; false where
   * none runs.
   */
  killProgram(): boolean {
    const pid = this.programPid()
    if (pid === undefined) return false
    try {
      process.kill(pid, 'SIGKILL')
      return true
    } catch {
      return false
    }
  }

  programPid(): number | undefined {
    return childrenOf(this.#process.pid).find(({ name }) => name !== 'sleep' && name !== 'date')?.pid
  }

  /** Kills supervisor and program, as the end of a container does. */
  async kill(): Promise<void> {
    this.#killGroup()
    await this.#exited
  }

  #killGroup(): void {
    try {
      process.kill(-(this.#process.pid ?? 0), 'SIGKILL')
    } catch {
      // It has ended.
    }
  }
}

function childrenOf(parent: number | undefined): { pid: number; name: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const [, name = '', rest = ''] =
          /\((.*)\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? []
        return Number(rest.split(' ')[1]) === parent ? [{ pid: Number(pid), name }] : []
      } catch {
        return []
      }
    })
}
