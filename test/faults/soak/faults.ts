import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { killNodeProcess } from '../../support/api/node-process.ts'
import { kubectl, kubectlJson } from '../../support/cluster/cluster.ts'
import { containerProcesses } from '../../support/node/container-processes.ts'
import { run } from '../../support/run.ts'
import type { Fault } from '../../support/store/fault-proxy.ts'
import type { Aimed } from './verdict.ts'
import type { World } from './world.ts'

/** Injects a fault and repairs it; resolves with false if the fault found no target. */
export type SoakFault = (world: World) => Promise<boolean>

/** Name in the closing table → fault. */
export const soakFaults: Readonly<Record<string, SoakFault>> = {
  'API killed': async ({ apis, start }) => {
    const which = randomInt(2)
    await apis[which]?.kill()
    await sleep(randomInt(3000))
    apis[which] = await start()
    return true
  },
  'store killed': async ({ minio }) => {
    await minio.kill()
    await sleep(randomInt(4000))
    await minio.start()
    return true
  },
  'store refuses': proxied({ kind: 'refuse' }),
  'store resets': proxied({ kind: 'reset' }),
  'store hangs': proxied({ kind: 'hang' }),
  'store is busy (503)': proxied({ kind: 'slow-down' }),
  'answers are cut': proxied({ kind: 'cut', direction: 'answer', afterBytes: 0, times: 3 }),
  'uploads are cut': proxied({ kind: 'cut', direction: 'request', afterBytes: 100_000, times: 3 }),
  "uploader's program killed": async ({ where }) => {
    const pod = await randomPod(where.namespace)
    if (pod === undefined) return false
    const processes = await containerProcesses(where.namespace, pod.job, 'uploader')
    const program = processes.find(({ command }) => /^node .*uploader\.js/.test(command))
    if (program === undefined) return false
    return await ifThere(async () => process.kill(program.pid, 'SIGKILL'))
  },
  'pod evicted': aimedAtPod('evicted', async (namespace, pod) => {
    const eviction = {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: pod, namespace },
      deleteOptions: { gracePeriodSeconds: 3 },
    }
    const path = `/api/v1/namespaces/${namespace}/pods/${pod}/eviction`
    await run('kubectl', ['create', '--raw', path, '-f', '-'], { input: JSON.stringify(eviction) })
  }),
  'pod deleted': aimedAtPod('pod deleted', async (namespace, pod) => {
    await kubectl('-n', namespace, 'delete', 'pod', pod, '--grace-period=3', '--wait=false')
  }),
  'Job deleted': aimedAtPod('Job deleted', async (namespace, _pod, uuid) => {
    await kubectl('-n', namespace, 'delete', 'job', `job-${uuid}`, '--wait=false')
  }),
  canceled: aimedAtPod('canceled', async (_namespace, _pod, uuid, url) => {
    await fetch(`${url}/job/${uuid}/cancel`, { method: 'POST' })
  }),
  'kubelet killed': async () => {
    await using _outage = await killNodeProcess('kubelet')
    await sleep(randomInt(6000))
    return true
  },
  'API server killed': async () => {
    await using _outage = await killNodeProcess('kube-apiserver')
    await sleep(randomInt(4000))
    return true
  },
}

function proxied(fault: Fault): SoakFault {
  return async ({ proxy }) => {
    await proxy.setFault(fault)
    await sleep(1000 + randomInt(4000))
    await proxy.setFault({ kind: 'pass' })
    return true
  }
}

function aimedAtPod(
  name: Aimed,
  act: (namespace: string, pod: string, uuid: string, url: string) => Promise<unknown>,
): SoakFault {
  return async (world) => {
    const pod = await randomPod(world.where.namespace)
    const job = world.jobs.find(({ uuid }) => uuid === pod?.job)
    if (pod === undefined || job === undefined) return false
    // Recorded before the call, whose answer may get lost.
    job.aimed.push(name)
    return await ifThere(() => act(world.where.namespace, pod.name, job.uuid, world.url()))
  }
}

/** Resolves with false if the target of a fault ended before the fault came. */
async function ifThere(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act()
    return true
  } catch (error) {
    if (/ESRCH|not ?found/i.test(String(error))) return false
    throw error
  }
}

interface SeenPod {
  name: string
  uid: string
  job: string
}

/** A random running pod that is not being deleted. */
async function randomPod(namespace: string): Promise<SeenPod | undefined> {
  const { items } = await kubectlJson<{
    items: {
      metadata: { name: string; uid: string; labels: Record<string, string>; deletionTimestamp?: string }
    }[]
  }>('-n', namespace, 'get', 'pods', '--field-selector=status.phase=Running', '-l', 'jobferry.dev/job')
  const living = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const chosen = living.length > 0 ? living[randomInt(living.length)] : undefined
  if (chosen === undefined) return undefined
  const { name, uid, labels } = chosen.metadata
  return { name, uid, job: labels['jobferry.dev/job'] ?? '' }
}
