import { kubectlJson } from './cluster.ts'
import { eventually } from './eventually.ts'
import { run } from './run.ts'

export interface JobPod {
  /** The hostname in it too. */
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

/** A job's pods that are in the cluster, oldest first. */
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

/** The newest pod, once there is one that isn't among `others` and that satisfies `phase`. */
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

/** The Eviction API, as `kubectl drain` calls it; without a grace the pod's own. */
export async function evict(namespace: string, { name }: JobPod, gracePeriodSeconds?: number): Promise<void> {
  const eviction = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    ...(gracePeriodSeconds === undefined ? {} : { deleteOptions: { gracePeriodSeconds } }),
  }
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`
  await run('kubectl', ['create', '--raw', path, '-f', '-'], { input: JSON.stringify(eviction) })
}
