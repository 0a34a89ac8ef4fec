import { KubeConfig } from '@kubernetes/client-node'
import { expect, onTestFinished } from 'vitest'
import { createApi } from '../../src/kubernetes/api.ts'
import { createClient } from '../../src/kubernetes/client.ts'
import type { KubernetesObject } from '../../src/kubernetes/objects.ts'
import { Watcher } from '../../src/kubernetes/watch.ts'
import { createLog } from '../../src/log.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { cutKubeconfig } from '../support/cut-kubeconfig.ts'
import { eventually } from '../support/eventually.ts'
import { fault } from './plan.ts'

/*
 * What a watch wants to go on from is gone, or was never: seen by a watch of ConfigMaps on a control plane of the
 * test's own, whose etcd it can compact and set back.
 */

fault('the events that a watch has missed are compacted (410 Gone) → all is seen', 120, async () => {
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
})

fault('the cluster is restored from an earlier state → all is seen as it is now', 120, async () => {
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
})

async function make({ kubectl }: ControlPlane, name: string): Promise<void> {
  await kubectl('create', 'configmap', name)
  await kubectl('label', 'configmap', name, 'watched=yes')
}

/** What a watch shows at each moment. */
async function watch(kubeconfig: string) {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  const client = createClient(config)
  const seen = { names: new Set<string>(), lists: 0 }
  const nameOf = ({ metadata }: KubernetesObject) => metadata?.name ?? ''
  const watcher = new Watcher({
    what: 'ConfigMaps',
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
