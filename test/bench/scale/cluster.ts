import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ControlPlane, startControlPlane } from '../../support/connector/control-plane.ts'
import { eventually } from '../../support/time/eventually.ts'
import { fakeNode, startKwok } from './kwok.ts'

export interface FakeCluster extends AsyncDisposable {
  readonly control: ControlPlane
  /** Kubeconfig of the only user whose calls are in the audit log. */
  readonly kubeconfig: string
  readonly auditLog: string
}

export const namespace = 'scale'

/** High limits, so that neither the controllers nor the scheduler become the bottleneck. */
const fast = ['--secure-port=0', '--leader-elect=false', '--kube-api-qps=2000', '--kube-api-burst=4000']

/**
 * Starts a separate control plane with the Job controller, the scheduler and one node without
 * limits. The node's kubelet is kwok, under which thousands of pods run without a container.
 */
export async function startFakeCluster(): Promise<FakeCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'scale-'))
  const auditLog = join(folder, 'audit.log')
  const policy = join(import.meta.dirname, '../../cluster/audit.yaml')
  const closers: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })]
  const close = async () => {
    for (const one of closers.splice(0).reverse()) await one()
  }
  try {
    const control = await startControlPlane({
      apiServer: [`--audit-policy-file=${policy}`, `--audit-log-path=${auditLog}`],
      components: [
        ['kube-controller-manager', '--controllers=job-controller', '--concurrent-job-syncs=50', ...fast],
        ['kube-scheduler', ...fast],
      ],
    })
    closers.push(async () => await control[Symbol.asyncDispose]())
    const kwok = await startKwok(control.kubeconfig)
    closers.push(() => kwok.end())
    await control.kubectl('create', 'namespace', namespace)
    await addNode(control, folder)
    const kubeconfig = join(folder, 'kubeconfig')
    await writeFile(kubeconfig, await control.kubeconfigOf('audited'))
    return { control, kubeconfig, auditLog, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

async function addNode(control: ControlPlane, folder: string): Promise<void> {
  const file = join(folder, 'node.json')
  await writeFile(file, JSON.stringify(fakeNode))
  await control.kubectl('create', '-f', file)
  const { name } = fakeNode.metadata
  await eventually(() => control.kubectl('wait', '--for=condition=Ready', `node/${name}`, '--timeout=1s'), {
    within: 60_000,
  })
  // Admission adds this taint, and the controller that would remove it doesn't run.
  await control.kubectl('taint', 'node', name, 'node.kubernetes.io/not-ready-')
}
