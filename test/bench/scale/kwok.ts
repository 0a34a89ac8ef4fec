import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { run } from '../../support/run.ts'
import { goProgram } from '../peers/go-program.ts'

const module = { path: 'sigs.k8s.io/kwok', version: 'v0.8.0' }

/** A node whose kubelet is kwok, which writes a kubelet's status but runs no container. */
export const fakeNode = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'kwok', annotations: { 'kwok.x-k8s.io/node': 'fake' } },
}

/**
 * kwok's own rules for nodes and pods: a pod is Running at once, including its sidecars,
 * until it is deleted; no pod completes.
 */
const stages = ['node/fast/node-initialize', 'pod/fast/pod-ready', 'pod/fast/pod-delete']

export interface Kwok {
  /** Kills kwok; resolves once the process is gone. */
  end(): Promise<void>
}

/** Starts kwok as the kubelet of every node of the cluster. */
export async function startKwok(kubeconfig: string): Promise<Kwok> {
  const program = await goProgram('kwok', `${module.path}/cmd/kwok`, module.version)
  const named = `${module.path}@${module.version}`
  const { Dir: folder } = JSON.parse(await run('go', ['mod', 'download', '-json', named])) as { Dir: string }
  const config = stages.flatMap((stage) => ['--config', join(folder, 'kustomize/stage', `${stage}.yaml`)])
  const args = [
    ...config,
    '--kubeconfig',
    kubeconfig,
    '--manage-all-nodes=true',
    '--node-lease-duration-seconds=0',
  ]
  const child = spawn(program, args, { stdio: 'ignore' })
  return { end: () => end(child) }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}
