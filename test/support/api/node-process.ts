import { spawn } from 'node:child_process'
import { openSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { kubectl } from '../cluster/cluster.ts'
import { given } from '../cluster/test-run.ts'
import { eventually } from '../time/eventually.ts'

/** A process of test/cluster's node or control plane. */
export type NodeProcessName =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubelet'

/** A process that doesn't run at present; its disposal starts it again. */
export interface Outage extends AsyncDisposable {
  /** Starts it again and waits until it serves. */
  end(): Promise<void>
}

/** Sends SIGKILL; resolves once the process is gone. */
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
    // In its own session, because it has to outlive the test in any case.
    const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log], env: environment })
    child.unref()
    writeFileSync(runFile(`${name}.pid`), `${child.pid}\n`)
    await eventually(() => serves(name), { within: 60_000, every: 200 })
  })
  return { end, [Symbol.asyncDispose]: end }
}

/** Sends SIGSTOP: connections to the process stay open without an answer. */
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
    // A process that its parent hasn't waited for yet is a zombie.
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

function stringsOf(pid: number, file: 'cmdline' | 'environ'): string[] {
  return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0').slice(0, -1)
}

/** Path of a file in test/cluster's folder, which also has the socket of the node's containerd. */
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
