import { kill } from 'node:process'
import { type ContainerProcess, containerProcesses } from './container-processes.ts'
import { eventually } from './eventually.ts'

/** SIGKILL for the uploader's program; its supervisor, process 1 of the container, stays. Waits until it runs. */
export async function killUploader(namespace: string, uuid: string): Promise<void> {
  const program = await running(namespace, uuid, ({ command }) => /^node .*uploader\.js/.test(command))
  kill(program.pid, 'SIGKILL')
}

/** SIGKILL for process 1 of the uploader's container, which ends all of it. Waits until it runs. */
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

/** A part of a worker's script that takes until the function that workerWaiting() gives is called. */
export const untilEnded = `${waiting} || true`

/** Waits until a worker's script has come to `untilEnded`, and gives the function that lets it go on. */
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
