import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { programEnvironment } from '../program-environment.ts'

export interface ApiProcess {
  url: string
  pid: number
  /** Every line of its log so far. */
  log: string[]
  /** Sends SIGKILL, as the out-of-memory killer does; resolves once the process is gone. */
  kill(): Promise<void>
  /** Sends SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
}

/** Starts the API as a process; resolves once it is ready. */
export async function startApiProcess(environment: Readonly<Record<string, string>>): Promise<ApiProcess> {
  const root = join(import.meta.dirname, '../../..')
  const child = spawn(process.execPath, [join(root, 'src/main.ts')], {
    cwd: root,
    env: { ...programEnvironment(), PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const log: string[] = []
  const url = await untilReady(child, log)
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
    return child.exitCode
  }
  return {
    url,
    pid: child.pid ?? 0,
    log,
    async kill() {
      await end('SIGKILL')
    },
    stop: () => end('SIGTERM'),
  }
}

function untilReady(child: ChildProcess, log: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the API ended with ${code}:\n${log.join('\n')}`)))
    if (!child.stdout) return
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.push(line)
      const { msg, url } = JSON.parse(line) as { msg?: string; url?: string }
      if (msg === 'ready' && url !== undefined) resolve(url)
    })
  })
}
