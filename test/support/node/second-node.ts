import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { kubectl } from '../cluster/cluster.ts'
import { given } from '../cluster/test-run.ts'
import { run } from '../run.ts'
import { eventually } from '../time/eventually.ts'

/**
 * A second node of test/cluster on this machine, with its own kubelet and containerd, and pods on
 * the first node's bridge. It accepts only pods that tolerate its taint.
 */
export interface SecondNode extends AsyncDisposable {
  readonly name: string
  /** Tolerations for a job that may run on this node and on the first node. */
  readonly tolerations: object[]
  /** Sends SIGKILL to the kubelet; its containers run on. */
  killKubelet(): Promise<void>
  startKubelet(): Promise<void>
  /** Number of running containers on this node, including pod sandboxes. */
  containers(): Promise<number>
}

const taint = { key: 'jobferry.dev/second-node', effect: 'NoSchedule' }
const ports = { kubelet: 10350, health: 10348 }

export async function startSecondNode(): Promise<SecondNode> {
  const name = `second-${randomBytes(3).toString('hex')}`
  const first = dirname(given('CONTAINERD_ADDRESS'))
  // A short path, because a socket's path has at most 107 bytes.
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
    await killTasks(ctr)
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

async function killTasks(ctr: (...args: string[]) => Promise<string>): Promise<void> {
  for (const task of (await ctr('tasks', 'list', '-q')).split('\n').filter(Boolean)) {
    await ctr('tasks', 'kill', '-s', 'SIGKILL', '-a', task).catch(() => undefined)
    await eventually(() => ctr('tasks', 'delete', '-f', task)).catch(() => undefined)
  }
}

async function startContainerd(first: string, folder: string): Promise<ChildProcess> {
  const config = await readFile(join(first, 'containerd.toml'), 'utf8')
  const own = ['containerd', 'containerd-state', 'containerd.sock']
  const moved = own.reduce((text, name) => text.replace(`"${first}/${name}"`, `"${folder}/${name}"`), config)
  await writeFile(join(folder, 'containerd.toml'), moved)
  return background('containerd', folder, ['--config', join(folder, 'containerd.toml')])
}

/** Copies the images of the jobs' pods from the first node, because this node pulls none. */
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

/** Starts a detached program with its log in `folder`; only end() stops it. */
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

/** A kubelet needs its `cgroupRoot` to exist. */
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
    // The deepest first, with rmdir: a cgroup's files can't be removed, they go with their folder.
    for (const path of [...folders.sort().reverse(), join(hierarchy, name)]) {
      await eventually(() => rmdir(path), { within: 5_000 }).catch(() => undefined)
    }
  }
}

/**
 * The roots of the cgroup hierarchies: one folder with cgroup v2, one for each controller with v1.
 */
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
