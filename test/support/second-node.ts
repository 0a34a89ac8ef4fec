import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { kubectl } from './cluster.ts'
import { eventually } from './eventually.ts'
import { run } from './run.ts'
import { given } from './test-run.ts'

/**
 * A second node of test/cluster on this machine: a kubelet and a containerd of its own, with pods on the first one's
 * bridge. It takes only pods that tolerate its taint.
 */
export interface SecondNode extends AsyncDisposable {
  readonly name: string
  /** Of a job that may run there, and on the first node as well. */
  readonly tolerations: object[]
  /** SIGKILL: its containers run on. */
  killKubelet(): Promise<void>
  startKubelet(): Promise<void>
  /** How many containers run there, pods' sandboxes included. */
  containers(): Promise<number>
}

const taint = { key: 'jobferry.dev/second-node', effect: 'NoSchedule' }
const ports = { kubelet: 10350, health: 10348 }

export async function startSecondNode(): Promise<SecondNode> {
  const name = `second-${randomBytes(3).toString('hex')}`
  const first = dirname(given('CONTAINERD_ADDRESS'))
  // Short: a socket's path has 107 bytes at most.
  const folder = join('/run', name)
  const socket = join(folder, 'containerd.sock')
  await mkdir(folder)
  await makeCgroups(name)
  const ctr = (...args: string[]) => run('ctr', ['--address', socket, '-n', 'k8s.io', ...args])
  const containerd = await startContainerd(first, folder)
  await eventually(() => ctr('version'), { within: 30_000 })
  await copyImages(socket)
  await writeKubeletConfig(first, folder, name, socket)
  let kubelet: ChildProcess | undefined

  const killKubelet = async () => {
    await end(kubelet)
    kubelet = undefined
  }
  const startKubelet = async () => {
    if (kubelet !== undefined) return
    kubelet = background('kube', folder, [
      'kubelet',
      `--config=${folder}/kubelet.yaml`,
      `--kubeconfig=${given('KUBECONFIG')}`,
      `--root-dir=${folder}/kubelet`,
      `--cert-dir=${folder}/pki`,
      `--hostname-override=${name}`,
      `--node-ip=${given('NODE_ADDRESS')}`,
    ])
    await eventually(
      async () => {
        const { status } = await fetch(`http://127.0.0.1:${ports.health}/healthz`)
        if (status !== 200) throw new Error(`the kubelet of ${name} answers ${status}`)
        await kubectl('wait', '--for=condition=Ready', `node/${name}`, '--timeout=1s')
        await kubectl('uncordon', name)
      },
      { within: 90_000, every: 200 },
    )
  }
  const containers = async () => (await ctr('tasks', 'list', '-q')).split('\n').filter(Boolean).length
  const dispose = async () => {
    await killKubelet()
    for (const task of (await ctr('tasks', 'list', '-q')).split('\n').filter(Boolean)) {
      await ctr('tasks', 'kill', '-s', 'SIGKILL', '-a', task).catch(() => undefined)
      await eventually(() => ctr('tasks', 'delete', '-f', task)).catch(() => undefined)
    }
    await end(containerd)
    await kubectl('delete', 'node', name, '--ignore-not-found')
    await unmountBelow(folder)
    await rm(folder, { recursive: true, force: true })
    await removeCgroups(name)
  }
  try {
    await startKubelet()
  } catch (error) {
    await dispose()
    throw error
  }
  const tolerations = [{ ...taint, operator: 'Exists' }]
  return { name, tolerations, killKubelet, startKubelet, containers, [Symbol.asyncDispose]: dispose }
}

async function startContainerd(first: string, folder: string): Promise<ChildProcess> {
  const config = await readFile(join(first, 'containerd.toml'), 'utf8')
  const own = ['containerd', 'containerd-state', 'containerd.sock']
  const moved = own.reduce((text, name) => text.replace(`"${first}/${name}"`, `"${folder}/${name}"`), config)
  await writeFile(join(folder, 'containerd.toml'), moved)
  return background('containerd', folder, ['--config', join(folder, 'containerd.toml')])
}

/** What pods of jobs need; nothing is pulled. */
async function copyImages(socket: string): Promise<void> {
  const images = ['localhost/pause:1', 'docker.io/library/busybox:latest', given('UPLOADER_IMAGE')]
  const from = ['--address', given('CONTAINERD_ADDRESS'), '-n', 'k8s.io', 'images', 'export', '-', ...images]
  const source = spawn('ctr', from, { stdio: ['ignore', 'pipe', 'inherit'] })
  const target = spawn('ctr', ['--address', socket, '-n', 'k8s.io', 'images', 'import', '-'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const imported = once(target, 'exit')
  await pipeline(source.stdout, target.stdin)
  const [code] = (await imported) as [number | null]
  if (code !== 0) throw new Error(`ctr images import ended with ${code}`)
}

async function writeKubeletConfig(
  first: string,
  folder: string,
  name: string,
  socket: string,
): Promise<void> {
  const config = await readFile(join(first, 'kubelet.yaml'), 'utf8')
  const lines = [
    config.replace(/^containerRuntimeEndpoint: .*$/m, `containerRuntimeEndpoint: unix://${socket}`).trim(),
    `port: ${ports.kubelet}`,
    `healthzPort: ${ports.health}`,
    `cgroupRoot: /${name}`,
    `registerWithTaints: [${JSON.stringify(taint)}]`,
    '',
  ]
  await writeFile(join(folder, 'kubelet.yaml'), lines.join('\n'))
}

/** Its log lies in the folder; it ends with nobody but end(). */
function background(program: string, folder: string, args: string[]): ChildProcess {
  const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const log = createWriteStream(join(folder, `${program}.log`), { flags: 'a' })
  for (const stream of [child.stdout, child.stderr]) stream?.pipe(log, { end: false })
  return child
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/** A kubelet doesn't make the cgroup that it is to keep to. */
async function makeCgroups(name: string): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    const made = join(hierarchy, name)
    await mkdir(made, { recursive: true })
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const from = join(hierarchy, file)
      if (existsSync(from)) await copyFile(from, join(made, file)).catch(() => undefined)
    }
  }
}

async function removeCgroups(name: string): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    const below = await readdir(join(hierarchy, name), { recursive: true, withFileTypes: true })
    const folders = below.filter((one) => one.isDirectory()).map((one) => join(one.parentPath, one.name))
    // The deepest first: a cgroup's files go with it, so nothing but rmdir removes one.
    for (const path of [...folders.sort().reverse(), join(hierarchy, name)]) {
      await eventually(() => rmdir(path), { within: 5_000 }).catch(() => undefined)
    }
  }
}

/** One folder with cgroup v2, one for each controller with v1. */
async function hierarchies(): Promise<string[]> {
  const root = '/sys/fs/cgroup'
  if (existsSync(join(root, 'cgroup.controllers'))) return [root]
  const found = await readdir(root, { withFileTypes: true })
  return found.filter((one) => one.isDirectory()).map((one) => join(root, one.name))
}

async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '')
  for (const mount of mounts
    .filter((path) => path.startsWith(`${folder}/`))
    .sort()
    .reverse()) {
    await run('umount', ['-l', mount]).catch(() => undefined)
  }
}
