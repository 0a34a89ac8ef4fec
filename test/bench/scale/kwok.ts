import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { run } from '../../support/run.ts'
import { goProgram } from '../go-program.ts'

const module = { path: 'sigs.k8s.io/kwok', version: 'v0.8.0' }

/** A node whose kubelet is kwok, which only says what a kubelet would say. */
export const fakeNode = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'kwok', annotations: { 'kwok.x-k8s.io/node': 'fake' } },
}

/**
 * What kwok does with a node and with pods, of its own: pods are Running at once, sidecars included, until they are
 * deleted; none completes.
 */
const stages = ['node/fast/node-initialize', 'pod/fast/pod-ready', 'pod/fast/pod-delete']

export interface Kwok {
  /** Resolves once it is gone. */
  end(): Promise<void>
}

/** Fakes the kubelet of every node of that cluster. */
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
