import type { Stop } from '../../../job/state/observation.ts'
import type { Api } from '../api/api.ts'
import { jobLabel, jobName, secretKeys } from '../names.ts'
import { uploaderStatus } from '../observation/pod-state.ts'
import { callUploader, uploaderAddress } from './uploader-call.ts'

/**
 * Notifies a job's uploaders of a stop, pod by pod over the cluster's network: neither a second
 * deletion of the pod nor a store that is away reaches an uploader that is storing. Rejects unless
 * each running uploader has answered.
 */
export async function notifyUploaders(api: Api, uuid: string, stop: Stop): Promise<void> {
  const { items } = await api.pods.list({ labelSelector: `${jobLabel}=${uuid}` })
  const running = items.filter((pod) => uploaderStatus(pod)?.state?.running !== undefined)
  if (running.length === 0) throw new Error('no uploader runs')
  const addresses = running.map(uploaderAddress)
  const needsKey = addresses.some((one) => one !== undefined && one.formerToken === undefined)
  const key = needsKey ? await endKeyOf(api, uuid) : undefined
  await Promise.all(
    addresses.map(async (address) => {
      if (address === undefined) throw new Error('the uploader has no address')
      await callUploader(address, JSON.stringify(stop), key)
    }),
  )
}

/** By a list, as the API's Role lets it list Secrets, but not get them. */
async function endKeyOf(api: Api, uuid: string): Promise<string | undefined> {
  const { items } = await api.secrets.list({ fieldSelector: `metadata.name=${jobName(uuid)}` })
  const encoded = items[0]?.data?.[secretKeys.endKey]
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8')
}
