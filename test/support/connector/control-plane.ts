import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { given } from '../cluster/test-run.ts'
import { freePort } from '../free-port.ts'
import { run } from '../run.ts'
import { eventually } from '../time/eventually.ts'

/** A test's own etcd and API server on a fixed port, without nodes; controllers only on request. */
export interface ControlPlane extends AsyncDisposable {
  readonly kubeconfig: string
  /**
   * A kubeconfig's text for `secret`, the administrator's token, or
   * `audited`, another user's with equal rights.
   */
  kubeconfigOf(token: string): string
  kubectl(...args: string[]): Promise<string>
  /** Restarts both; in between saves etcd's data, or restores the saved data. */
  restart(meanwhile?: 'save' | 'restore'): Promise<void>
  /** Drops etcd's history: after the next start a watch from an earlier version gets 410. */
  compact(): Promise<void>
}

export interface ControlPlaneOptions {
  /** Additional arguments of the API server. */
  apiServer?: readonly string[]
  /** Arguments of each further component (`kube-scheduler`, …), which also gets the kubeconfig. */
  components?: readonly (readonly string[])[]
}

export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const folder = await mkdtemp(join(tmpdir(), 'control-plane-'))
  const at = (name: string) => join(folder, name)
  const [etcdPort, port] = [await freePort(), await freePort()]
  const etcdUrl = `http://127.0.0.1:${etcdPort}`
  const kubeconfig = at('kubeconfig')
  await writeFile(
    at('tokens.csv'),
    'secret,admin,admin,system:masters\naudited,jobferry,jobferry,system:masters\n',
  )
  const kubeconfigOf = (token: string) => kubeconfigFor(`https://127.0.0.1:${port}`, token)
  await writeFile(kubeconfig, kubeconfigOf('secret'))
  const kubectl = (...args: string[]) => run('kubectl', ['--kubeconfig', kubeconfig, ...args])
  let running: ChildProcess[] = []

  const start = async () => {
    running = [background('etcd', '--data-dir', at('etcd'), '--listen', etcdUrl)]
    await eventually(() => fetch(`${etcdUrl}/version`), { within: 30_000 })
    running.push(
      background('kube-apiserver', ...apiServerArguments(etcdUrl, port, at), ...(options.apiServer ?? [])),
    )
    await eventually(() => kubectl('get', '--raw', '/readyz'), { within: 60_000, every: 300 })
    for (const component of options.components ?? []) {
      running.push(background(...component, `--kubeconfig=${kubeconfig}`))
    }
  }
  const stop = async () => {
    for (const one of running.reverse()) await end(one)
    running = []
  }
  const dispose = async () => {
    await stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await start()
  } catch (error) {
    await dispose()
    throw error
  }
  return {
    kubeconfig,
    kubeconfigOf,
    kubectl,
    async restart(meanwhile) {
      await stop()
      if (meanwhile === 'save') await cp(at('etcd'), at('saved'), { recursive: true })
      if (meanwhile === 'restore') {
        await rm(at('etcd'), { recursive: true })
        await cp(at('saved'), at('etcd'), { recursive: true })
      }
      await start()
    },
    async compact() {
      await post(`${etcdUrl}/v3/kv/compaction`, { revision: await newestRevision(etcdUrl) })
    },
    [Symbol.asyncDispose]: dispose,
  }
}

function apiServerArguments(etcdUrl: string, port: number, at: (name: string) => string): string[] {
  const keys = dirname(given('CONTAINERD_ADDRESS'))
  return [
    `--etcd-servers=${etcdUrl}`,
    `--secure-port=${port}`,
    '--bind-address=127.0.0.1',
    `--cert-dir=${at('pki')}`,
    `--token-auth-file=${at('tokens.csv')}`,
    '--service-cluster-ip-range=10.97.0.0/16',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${keys}/pki/sa.key`,
    `--service-account-signing-key-file=${keys}/pki/sa.key`,
    // Without controllers there are no service accounts.
    '--disable-admission-plugins=ServiceAccount',
  ]
}

async function newestRevision(etcdUrl: string): Promise<string> {
  const range = { key: Buffer.from('/registry').toString('base64') }
  const { header } = (await post(`${etcdUrl}/v3/kv/range`, range)) as { header: { revision: string } }
  return header.revision
}

async function post(url: string, body: object): Promise<unknown> {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

function kubeconfigFor(server: string, token: string): string {
  const cluster = { server, 'insecure-skip-tls-verify': true }
  return JSON.stringify({
    clusters: [{ name: 'own', cluster }],
    users: [{ name: 'own', user: { token } }],
    contexts: [{ name: 'own', context: { cluster: 'own', user: 'own' } }],
    'current-context': 'own',
  })
}

function background(...args: string[]): ChildProcess {
  return spawn('kube', args, { stdio: 'ignore' })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}
