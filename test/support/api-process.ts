import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface ApiProcess {
  url: string
  pid: number
  /** Every line of its log so far. */
  log: string[]
  /** SIGKILL, as a crash or an out-of-memory kill is; resolves once it is gone. */
  kill(): Promise<void>
  /** SIGTERM; resolves with its exit code. */
  stop(): Promise<number | null>
}

/** The API as a process of its own, once it is ready. `environment` replaces this one but for PATH. */
export async function startApiProcess(environment: Readonly<Record<string, string>>): Promise<ApiProcess> {
  const root = join(import.meta.dirname, '../..')
  const child = spawn(process.execPath, [join(root, 'src/main.ts')], {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', PORT: '0', ...environment },
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
