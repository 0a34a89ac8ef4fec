import { randomBytes } from 'node:crypto'
import { applyManifests, kubectl } from '../cluster/cluster.ts'

export interface AbsentNode extends AsyncDisposable {
  readonly name: string
  /** Request fields that schedule a pod to this node only. */
  readonly request: { node_selector: Record<string, string>; tolerations: object[] }
}

/** Makes a node without a kubelet: a pod that is scheduled to it neither starts nor ends. */
export async function absentNode(): Promise<AbsentNode> {
  const name = `absent-${randomBytes(4).toString('hex')}`
  const label = 'kubernetes.io/hostname'
  const taint = { key: 'jobferry.dev/absent', effect: 'NoSchedule' }
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { [label]: name } },
    spec: { taints: [taint] },
  }
  await applyManifests(JSON.stringify(node))
  const remove = async () => {
    await kubectl('delete', 'node', name, '--ignore-not-found')
  }
  const status = {
    allocatable: { cpu: '4', memory: '4Gi', pods: '10' },
    capacity: { cpu: '4', memory: '4Gi', pods: '10' },
    conditions: [
      { type: 'Ready', status: 'True', reason: 'Test', lastHeartbeatTime: new Date().toISOString() },
    ],
  }
  try {
    await kubectl('patch', 'node', name, '--subresource=status', '-p', JSON.stringify({ status }))
  } catch (error) {
    await remove()
    throw error
  }
  const tolerations = [
    { key: taint.key, operator: 'Exists' },
    { key: 'node.kubernetes.io/not-ready', operator: 'Exists' },
  ]
  return { name, request: { node_selector: { [label]: name }, tolerations }, [Symbol.asyncDispose]: remove }
}
