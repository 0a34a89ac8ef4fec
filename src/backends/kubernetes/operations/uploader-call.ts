import { Agent } from 'undici'
import { endHeaders, isProofOfEnd, signEnd } from '../../../job/end-call.ts'
import type { Pod } from '../api/objects.ts'
import { containers } from '../names.ts'

/**
 * How a pod's uploader is called, by the uploader's variables, which nobody can change in a pod:
 * PRE_STOP_TOKEN where this version made the pod, STOP_TOKEN where version 0.2 or earlier did.
 */
export interface UploaderAddress {
  /** `http://10.1.2.3:47100` */
  origin: string
  attempt: string
  /** The token of a pod of version 0.2 or earlier; it opens this pod's uploader alone. */
  formerToken?: string
}

const timeoutMilliseconds = 3000

/** Undefined if the pod has no address yet, or no uploader that can be called. */
export function uploaderAddress(pod: Pod): UploaderAddress | undefined {
  const address = pod.status?.podIP
  const container = pod.spec?.initContainers?.find((one) => one.name === containers.uploader)
  const value = (name: string) => container?.env?.find((one) => one.name === name)?.value
  const [port, token, formerToken] = ['UPLOADER_PORT', 'PRE_STOP_TOKEN', 'STOP_TOKEN'].map(value)
  if (address === undefined || port === undefined) return undefined
  const host = address.includes(':') ? `[${address}]` : address
  const found = { origin: `http://${host}:${port}`, attempt: pod.metadata?.uid ?? '' }
  if (token !== undefined) return found
  return formerToken === undefined ? undefined : { ...found, formerToken }
}

/**
 * Sends a stop to the program at the uploader's port, which may be the worker's. Rejects unless
 * that program has proved to be the uploader (but for a pod of version 0.2 or earlier). No redirect
 * is followed, and of the answer only the head is read.
 */
export async function callUploader(
  { origin, attempt, formerToken }: UploaderAddress,
  body: string,
  key: string | undefined,
  at = Date.now(),
): Promise<void> {
  if (formerToken !== undefined) {
    await post(origin, `/end/${formerToken}`, body)
    return
  }
  if (key === undefined) throw new Error("the job's Secret has no key for its uploader")
  const signature = signEnd(key, { attempt, at, body })
  const headers = { [endHeaders.time]: String(at), [endHeaders.signature]: signature }
  const answer = await post(origin, '/end', body, headers)
  if (!isProofOfEnd(key, signature, answer[endHeaders.proof]))
    throw new Error(`another program than the uploader answers at ${origin}`)
}

/** The headers of a 200; rejects for every other status. */
async function post(origin: string, path: string, body: string, headers: Record<string, string> = {}) {
  const agent = new Agent({ allowH2: false, connect: { timeout: timeoutMilliseconds }, maxHeaderSize: 4096 })
  try {
    const signal = AbortSignal.timeout(timeoutMilliseconds)
    const answer = await agent.request({ origin, path, method: 'POST', headers, body, signal })
    answer.body.on('error', () => undefined).destroy()
    if (answer.statusCode !== 200) throw new Error(`${origin} answered ${answer.statusCode}`)
    return answer.headers
  } finally {
    await agent.destroy()
  }
}
