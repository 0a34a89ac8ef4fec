import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../run.ts'
import { applyManifests, kubectl, kubectlJson } from './cluster.ts'
import { runLabel, testRun } from './test-run.ts'

export interface TestVolumes extends AsyncDisposable {
  /** Name for `result_storage_class`. */
  readonly storageClass: string
  /** Each volume's folder on the node, which is this machine. */
  readonly folders: readonly string[]
  /** Removes the volumes; their claims must be gone by then. */
  remove(): Promise<void>
}

export interface VolumeOptions {
  /** Number of volumes, 1 by default; each serves one claim, once. */
  count?: number
  /**
   * Size of each volume's file system (ext4 in a file); by default a
   * volume is a folder without a limit.
   */
  mebibytes?: number
  /** True to make the class the cluster's default while it exists. */
  isDefault?: boolean
}

/**
 * Makes volumes on the cluster's one node with a new StorageClass, in advance
 * because the node has no provisioner. Only root may write their root directory, as
 * with most provisioners. Needs root here.
 */
export async function testVolumes(options: VolumeOptions = {}): Promise<TestVolumes> {
  const { count = 1, mebibytes, isDefault = false } = options
  const storageClass = `test-${randomBytes(4).toString('hex')}`
  const root = await mkdtemp(join(tmpdir(), 'jobferry-volumes-'))
  const mounted: string[] = []
  const remove = async () => {
    const ours = ['-l', `jobferry.dev/test-volumes=${storageClass}`]
    await kubectl('delete', 'storageclasses,persistentvolumes', ...ours, '--timeout=60s')
    // Lazily, because the kubelet may still hold the last pod's mount.
    for (const folder of mounted.splice(0)) await run('umount', ['--lazy', folder])
    await rm(root, { recursive: true, force: true })
  }
  try {
    const folders: string[] = []
    for (let number = 0; number < count; number++) {
      const folder = join(root, String(number))
      await mkdir(folder)
      if (mebibytes !== undefined) {
        await mountFile(`${folder}.ext4`, folder, mebibytes)
        mounted.push(folder)
      }
      await chmod(folder, 0o755)
      folders.push(folder)
    }
    const labels = { [runLabel]: testRun(), 'jobferry.dev/test-volumes': storageClass }
    const node = await nodeName()
    const items = [
      classObject(storageClass, labels, isDefault),
      ...folders.map((folder, number) => volumeObject(`${storageClass}-${number}`, labels, folder, node)),
    ]
    await applyManifests(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
    return { storageClass, folders, remove, [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Mounts a new ext4 file system, kept in `file`, on an existing folder. */
export async function mountFile(file: string, folder: string, mebibytes: number): Promise<void> {
  await run('truncate', [`--size=${mebibytes}M`, file])
  await run('mkfs.ext4', ['-q', '-m', '0', file])
  await run('mount', ['-o', 'loop', file, folder])
  await rm(join(folder, 'lost+found'), { recursive: true, force: true })
}

function classObject(name: string, labels: Record<string, string>, isDefault: boolean) {
  const annotations = { 'storageclass.kubernetes.io/is-default-class': String(isDefault) }
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name, labels, annotations },
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  }
}

/** `local` instead of `hostPath`, because the kubelet applies no fsGroup to a hostPath. */
function volumeObject(name: string, labels: Record<string, string>, path: string, node: string) {
  const here = { key: 'kubernetes.io/hostname', operator: 'In', values: [node] }
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, labels },
    spec: {
      // More than any claim requests: the file system sets the real limit.
      capacity: { storage: '1Ti' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: name.replace(/-\d+$/, ''),
      local: { path },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [here] }] } },
    },
  }
}

async function nodeName(): Promise<string> {
  interface Nodes {
    items: { metadata: { labels: Record<string, string> } }[]
  }
  const { items } = await kubectlJson<Nodes>('get', 'nodes')
  return items[0]?.metadata.labels['kubernetes.io/hostname'] ?? ''
}
