import type { Stop } from '../job/observation.ts'
import type { Api } from './api.ts'
import { uploaderStatus } from './attempt.ts'
import { containers, jobLabel } from './names.ts'
import type { Pod } from './objects.ts'

const timeoutMilliseconds = 3000

/**
 * Tells a job's uploaders of a stop, pod by pod over the cluster's network: nothing of Kubernetes reaches one that is
 * storing already (a second delete doesn't; tried), and the store can't while it is away. Rejects unless each that
 * runs has heard it.
 */
export async function tellUploaders(api: Api, uuid: string, stop: Stop): Promise<void> {
  const { items } = await api.pods.list({ labelSelector: `${jobLabel}=${uuid}` })
  const running = items.filter((pod) => uploaderStatus(pod)?.state?.running !== undefined)
  if (running.length === 0) throw new Error('no uploader runs')
  await Promise.all(running.map((pod) => tell(pod, stop)))
}

async function tell(pod: Pod, stop: Stop): Promise<void> {
  const address = pod.status?.podIP
  const container = pod.spec?.initContainers?.find((one) => one.name === containers.uploader)
  const value = (name: string) => container?.env?.find((one) => one.name === name)?.value
  const [port, token] = [value('UPLOADER_PORT'), value('STOP_TOKEN')]
  if (address === undefined || port === undefined || token === undefined)
    throw new Error('the uploader has no address')
  const host = address.includes(':') ? `[${address}]` : address
  const { status } = await fetch(`http://${host}:${port}/end/${token}`, {
    method: 'POST',
    body: JSON.stringify(stop),
    signal: AbortSignal.timeout(timeoutMilliseconds),
  })
  if (status !== 200) throw new Error(`the uploader answered ${status}`)
}
