import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { eventually } from './eventually.ts'
import { run } from './run.ts'
import { given } from './test-run.ts'

/** An etcd and an API server of the test's own, without nodes or, unless asked for, controllers; its port stays the same. */
export interface ControlPlane extends AsyncDisposable {
  readonly kubeconfig: string
  /** The text of one for that token: `secret` is the administrator's, `audited` another one's with the same rights. */
  kubeconfigOf(token: string): string
  kubectl(...args: string[]): Promise<string>
  /** Starts both anew, with what etcd holds changed meanwhile. */
  restart(meanwhile?: 'save' | 'restore'): Promise<void>
  /** Drops all of etcd's history: whoever wants to go on from an earlier version is told 410 after the next start. */
  compact(): Promise<void>
}

export interface ControlPlaneOptions {
  /** Arguments of the API server beside its own. */
  apiServer?: readonly string[]
  /** What runs beside it, by its arguments: `kube-scheduler`, …; each gets the kubeconfig. */
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
    const keys = dirname(given('CONTAINERD_ADDRESS'))
    running = [background('etcd', '--data-dir', at('etcd'), '--listen', etcdUrl)]
    await eventually(() => fetch(`${etcdUrl}/version`), { within: 30_000 })
    running.push(
      background(
        'kube-apiserver',
        `--etcd-servers=${etcdUrl}`,
        `--secure-port=${port}`,
        '--bind-address=127.0.0.1',
        `--cert-dir=${at('pki')}`,
        `--token-auth-file=${at('tokens.csv')}`,
        '--service-cluster-ip-range=10.97.0.0/16',
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-key-file=${keys}/pki/sa.key`,
        `--service-account-signing-key-file=${keys}/pki/sa.key`,
        // No controller makes service accounts here.
        '--disable-admission-plugins=ServiceAccount',
        ...(options.apiServer ?? []),
      ),
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port is free')
  return address.port
}
