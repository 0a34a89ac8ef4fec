import { spawn } from 'node:child_process'
import { openSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { kubectl } from './cluster.ts'
import { eventually } from './eventually.ts'
import { given } from './test-run.ts'

/** A process of test/cluster that makes up the node or its control plane. */
export type NodeProcessName =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubelet'

/** A process that doesn't run; disposing of it starts it again. */
export interface Outage extends AsyncDisposable {
  /** Starts it again and waits until it serves. */
  end(): Promise<void>
}

/** SIGKILL; resolves once it is gone. */
export async function killNodeProcess(name: NodeProcessName): Promise<Outage> {
  const pid = pidOf(name)
  const [program = '', ...args] = stringsOf(pid, 'cmdline')
  const environment = Object.fromEntries(
    stringsOf(pid, 'environ').map((line): [string, string] => {
      const end = line.indexOf('=')
      return [line.slice(0, end), line.slice(end + 1)]
    }),
  )
  process.kill(pid, 'SIGKILL')
  await eventually(() => {
    if (isAlive(pid)) throw new Error(`${name} survives its SIGKILL`)
  })
  const end = once(async () => {
    const log = openSync(runFile(`${name}.log`), 'a')
    // In a session of its own: it is to outlive the test, however that ends.
    const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log], env: environment })
    child.unref()
    writeFileSync(runFile(`${name}.pid`), `${child.pid}\n`)
    await eventually(() => serves(name), { within: 60_000, every: 200 })
  })
  return { end, [Symbol.asyncDispose]: end }
}

/** SIGSTOP: connections to it stay open, and nothing answers. */
export function freezeNodeProcess(name: NodeProcessName): Outage {
  const pid = pidOf(name)
  process.kill(pid, 'SIGSTOP')
  const end = once(async () => {
    process.kill(pid, 'SIGCONT')
    await eventually(() => serves(name), { within: 60_000, every: 200 })
  })
  return { end, [Symbol.asyncDispose]: end }
}

async function serves(name: NodeProcessName): Promise<void> {
  if (!isAlive(pidOf(name))) throw new Error(`${name} ended again; see ${runFile(`${name}.log`)}`)
  await kubectl('get', '--raw', '/readyz')
  if (name !== 'kubelet') return
  const answer = await fetch('http://127.0.0.1:10248/healthz')
  if (answer.status !== 200) throw new Error(`the kubelet answers ${answer.status}`)
  await kubectl('wait', '--for=condition=Ready', 'node/node', '--timeout=1s')
}

function pidOf(name: NodeProcessName): number {
  return Number(readFileSync(runFile(`${name}.pid`), 'utf8'))
}

function isAlive(pid: number): boolean {
  try {
    // One that nobody has waited for yet is a zombie.
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

function stringsOf(pid: number, file: 'cmdline' | 'environ'): string[] {
  return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0').slice(0, -1)
}

/** A file of test/cluster's own folder, in which the node's containerd has its socket. */
function runFile(name: string): string {
  return join(dirname(given('CONTAINERD_ADDRESS')), name)
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= work()
    return done
  }
}
