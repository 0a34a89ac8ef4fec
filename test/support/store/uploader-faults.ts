import { kill } from 'node:process'
import { kubectl } from '../cluster/cluster.ts'
import { type ContainerProcess, containerProcesses } from '../node/container-processes.ts'
import { eventually } from '../time/eventually.ts'

/**
 * Waits for the uploader's program and sends it SIGKILL; its
 * supervisor, the container's process 1, stays.
 */
export async function killUploader(namespace: string, uuid: string): Promise<void> {
  const program = await running(namespace, uuid, ({ command }) => /^node .*uploader\.js/.test(command))
  kill(program.pid, 'SIGKILL')
}

/**
 * Waits for process 1 of the uploader's container and sends it SIGKILL, which ends the container.
 */
export async function killUploaderContainer(
  namespace: string,
  uuid: string,
  selector?: string,
): Promise<void> {
  const supervisor = await running(
    namespace,
    uuid,
    ({ command }) => command.includes('supervise.sh'),
    selector,
  )
  kill(supervisor.pid, 'SIGKILL')
}

function running(
  namespace: string,
  uuid: string,
  isIt: (one: ContainerProcess) => boolean,
  selector?: string,
): Promise<ContainerProcess> {
  return eventually(
    async () => {
      const found = (await containerProcesses(namespace, uuid, 'uploader', selector)).find(isIt)
      if (found === undefined) throw new Error(`the uploader of job ${uuid} does not run`)
      return found
    },
    { within: 40_000, every: 50 },
  )
}

const waiting = 'sleep 86400'

/** A step of a worker's script that waits for the function that workerWaiting() resolves with. */
export const untilEnded = `${waiting} || true`

/**
 * Waits until a worker's script reaches `untilEnded`; resolves
 * with the function that ends that step.
 */
export async function workerWaiting(namespace: string, uuid: string): Promise<() => void> {
  return await eventually(
    async () => {
      const processes = await containerProcesses(namespace, uuid, 'worker')
      const sleeper = processes.find(({ command }) => command === waiting)
      if (sleeper === undefined) throw new Error(`the worker of job ${uuid} does not wait`)
      return () => void kill(sleeper.pid, 'SIGKILL')
    },
    { within: 60_000 },
  )
}

/**
 * The kubelet restarts a killed sidecar at once, then after 10 s, but never after the worker's end.
 */
export async function endBeforeItsUploader(namespace: string, uuid: string): Promise<void> {
  const endWorker = await workerWaiting(namespace, uuid)
  await killUploaderContainer(namespace, uuid)
  const path = '{.items[0].status.initContainerStatuses[?(@.name=="uploader")].restartCount}'
  await eventually(
    async () => {
      const pods = ['get', 'pods', '-l', `jobferry.dev/job=${uuid}`, '-o', `jsonpath=${path}`]
      if ((await kubectl('-n', namespace, ...pods)) !== '1')
        throw new Error(`the uploader of job ${uuid} is not started again`)
    },
    { within: 30_000 },
  )
  await killUploaderContainer(namespace, uuid)
  endWorker()
}
