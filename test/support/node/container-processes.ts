import { readdir, readFile } from 'node:fs/promises'
import { kubectlJson } from '../cluster/cluster.ts'

export interface ContainerProcess {
  pid: number
  /** Program and arguments, separated by spaces. */
  command: string
}

/**
 * The processes in a container of a job's newest pod, on this machine, which must be the node;
 * process 1 of the container comes first. Empty while the container doesn't run.
 */
export async function containerProcesses(
  namespace: string,
  uuid: string,
  container: 'uploader' | 'worker',
  selector = 'jobferry.dev/kind!=rescue',
): Promise<ContainerProcess[]> {
  const pods = await kubectlJson<Pods>(
    ...['-n', namespace, 'get', 'pods', '-l', `jobferry.dev/job=${uuid},${selector}`],
    '--sort-by=.metadata.creationTimestamp',
  )
  const { initContainerStatuses = [], containerStatuses = [] } = pods.items.at(-1)?.status ?? {}
  const status = [...initContainerStatuses, ...containerStatuses].find(({ name }) => name === container)
  if (status?.state?.running === undefined) return []
  const id = status.containerID?.replace(/^.*:\/\//, '') ?? ''
  return id === '' ? [] : processesIn(id)
}

interface Pods {
  items: { status: { initContainerStatuses?: Status[]; containerStatuses?: Status[] } }[]
}

interface Status {
  name: string
  containerID?: string
  state?: { running?: object }
}

async function processesIn(id: string): Promise<ContainerProcess[]> {
  const found: ContainerProcess[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      if (!(await readFile(`/proc/${name}/cgroup`, 'utf8')).includes(id)) continue
      const command = (await readFile(`/proc/${name}/cmdline`, 'utf8')).split('\0').join(' ').trim()
      if (command !== '') found.push({ pid: Number(name), command })
    } catch {
      // The process ended meanwhile.
    }
  }
  return found.toSorted((a, b) => a.pid - b.pid)
}
