import { run } from '../run.ts'
import { eventually } from '../time/eventually.ts'
import { kubectlJson } from './cluster.ts'

export interface JobPod {
  /** Also the hostname in the pod. */
  name: string
  uid: string
  phase: string
  deleting: boolean
}

interface PodList {
  items: {
    metadata: { name: string; uid: string; creationTimestamp: string; deletionTimestamp?: string }
    status: { phase: string }
  }[]
}

/** A job's present pods, oldest first. */
export async function jobPods(namespace: string, uuid: string): Promise<JobPod[]> {
  const { items } = await kubectlJson<PodList>(
    '-n',
    namespace,
    'get',
    'pods',
    '-l',
    `jobferry.dev/job=${uuid}`,
  )
  return items
    .toSorted((a, b) => Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp))
    .map(({ metadata: { name, uid, deletionTimestamp }, status: { phase } }) => {
      return { name, uid, phase, deleting: deletionTimestamp !== undefined }
    })
}

/** Waits until the newest pod is not among `others` and is in `phase`; resolves with it. */
export function nextPod(
  namespace: string,
  uuid: string,
  others: readonly JobPod[] = [],
  phase = 'Running',
): Promise<JobPod> {
  return eventually(
    async () => {
      const pod = (await jobPods(namespace, uuid)).at(-1)
      if (!pod || others.some(({ uid }) => uid === pod.uid)) throw new Error(`no further pod of ${uuid}`)
      if (pod.phase !== phase) throw new Error(`${pod.name} is ${pod.phase}`)
      return pod
    },
    { within: 120_000 },
  )
}

/** Evicts a pod as `kubectl drain` does; the default grace is the pod's own. */
export async function evict(namespace: string, { name }: JobPod, gracePeriodSeconds?: number): Promise<void> {
  const eviction = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    ...(gracePeriodSeconds !== undefined && { deleteOptions: { gracePeriodSeconds } }),
  }
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`
  await run('kubectl', ['create', '--raw', path, '-f', '-'], { input: JSON.stringify(eviction) })
}
