import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Entry } from '../../src/artifact/entry.ts'
import { createFolderStore } from '../../src/artifact/folder.ts'
import { layout } from '../../src/artifact/layout.ts'
import type { ManifestHead } from '../../src/artifact/manifest.ts'
import type { ArtifactStore, GetOptions } from '../../src/artifact/store.ts'
import { eventually } from '../support/eventually.ts'

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
  const root = mkdtempSync(join(tmpdir(), 'jobferry-sidecar-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }), 60_000)
  const [result, state, message] = [join(root, 'result'), join(root, 'state'), join(root, 'message')] as const
  mkdirSync(result)
  return {
    root,
    result,
    state,
    message,
    environment: {
      PATH: process.env.PATH ?? '',
      JOB_UUID: job,
      ATTEMPT_UID: attempt,
      RESULT_DIRECTORY: result,
      STATE_DIRECTORY: state,
      UPLOAD_TIMEOUT_SECONDS: '60',
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
  const directory = join(made.root, 'store')
  mkdirSync(directory)
  const store = createFolderStore(directory)
  return { ...made, environment: { ...made.environment, STORE_DIRECTORY: directory, ...environment }, store }
}

/** Writes a file of that name (latin1: any bytes) among the results; gives its path. */
export function write(made: Attempt, name: string, content: string | Buffer): Buffer {
  const path = Buffer.concat([Buffer.from(`${made.result}/`), Buffer.from(name, 'latin1')])
  writeFileSync(path, content)
  return path
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

  /** Kills the program below the supervisor, as the kernel does when memory is short; false where none runs. */
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

export interface StoredManifest {
  head: ManifestHead
  entries: Entry[]
}

/** Reads the manifest without the project's reader. */
export async function manifestOf(store: ArtifactStore): Promise<StoredManifest> {
  const lines = (await objectOf(store, layout.manifest(job, attempt))).toString().trimEnd().split('\n')
  const [head, ...rest] = lines.map((line) => JSON.parse(line))
  return { head, entries: rest.filter((line) => line.type !== undefined) }
}

export async function objectOf(store: ArtifactStore, key: string, options?: GetOptions): Promise<Buffer> {
  const { stream } = await store.get(key, options)
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function keysOf(store: ArtifactStore, prefix = layout.attempt(job, attempt)): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys
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
