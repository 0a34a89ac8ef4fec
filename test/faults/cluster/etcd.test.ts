import { KubeConfig } from '@kubernetes/client-node'
import { expect, onTestFinished } from 'vitest'
import { createApi } from '../../../src/backends/kubernetes/api/api.ts'
import { createClient } from '../../../src/backends/kubernetes/api/client.ts'
import type { KubernetesObject } from '../../../src/backends/kubernetes/api/objects.ts'
import { Watcher } from '../../../src/backends/kubernetes/api/watch.ts'
import { createLog } from '../../../src/util/log.ts'
import { cutKubeconfig } from '../../support/cluster/cut-kubeconfig.ts'
import { type ControlPlane, startControlPlane } from '../../support/connector/control-plane.ts'
import { eventually } from '../../support/time/eventually.ts'
import { fault } from '../plan.ts'

/*
 * The version that a watch resumes from is compacted, or the restored etcd never had it. The tests
 * watch ConfigMaps on their own control plane, whose etcd they compact and restore.
 */

fault(
  'etcd compacts the events that a watch missed (410 Gone) → the watch lists again and misses nothing',
  120,
  async () => {
    await using control = await startControlPlane()
    await make(control, 'goes')
    await using cut = await cutKubeconfig(control.kubeconfig)
    const seen = await watch(cut.kubeconfig)
    await eventually(() => expect([...seen.names]).toEqual(['goes']))
    await cut.proxy.setFault({ kind: 'refuse' })
    await control.kubectl('delete', 'configmap', 'goes')
    await make(control, 'comes')
    await control.compact()
    await control.restart()
    await cut.proxy.setFault({ kind: 'pass' })
    await eventually(() => expect([...seen.names]).toEqual(['comes']), { within: 40_000 })
    expect(seen.lists).toBe(2)
    await make(control, 'later')
    await eventually(() => expect([...seen.names]).toEqual(['comes', 'later']))
  },
)

fault(
  'etcd is restored from an earlier state → the watch shows the restored and the later objects',
  120,
  async () => {
    await using control = await startControlPlane()
    await make(control, 'kept')
    await control.restart('save')
    const seen = await watch(control.kubeconfig)
    for (const name of ['lost-1', 'lost-2', 'lost-3']) await make(control, name)
    await eventually(() => expect(seen.names.size).toBe(4))
    await control.restart('restore')
    await eventually(() => expect([...seen.names]).toEqual(['kept']), { within: 40_000 })
    await make(control, 'later')
    await eventually(() => expect([...seen.names]).toEqual(['kept', 'later']))
  },
)

async function make({ kubectl }: ControlPlane, name: string): Promise<void> {
  await kubectl('create', 'configmap', name)
  await kubectl('label', 'configmap', name, 'watched=yes')
}

/** Watches the ConfigMaps: the names it holds at present, and the number of its lists. */
async function watch(kubeconfig: string) {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  const client = createClient(config)
  const seen = { names: new Set<string>(), lists: 0 }
  const nameOf = ({ metadata }: KubernetesObject) => metadata?.name ?? ''
  const watcher = new Watcher({
    kind: 'ConfigMaps',
    client,
    resource: createApi(client, 'default').configMaps,
    labelSelector: 'watched=yes',
    log: createLog('test', 'silent'),
    onList: (items) => {
      seen.names = new Set(items.map(nameOf))
      seen.lists += 1
    },
    onEvent: (type, object) => {
      if (type === 'deleted') seen.names.delete(nameOf(object))
      else seen.names.add(nameOf(object))
    },
  })
  onTestFinished(async () => {
    await watcher.close()
    await client.close()
  })
  await watcher.listed
  return seen
}
