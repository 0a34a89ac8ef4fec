import { StartError } from '../../../util/errors.ts'
import type { Api } from '../api/api.ts'
import { apiContainer } from '../names.ts'

/** The pod in which the API runs. */
export interface OwnPod {
  name: string
  uid: string
}

/**
 * The image of the API's own container: `images:` of an overlay and registry mirrors change that one
 * alone. Rejects with a StartError if the pod is not found, and as Client.call does.
 */
export async function readOwnImage(api: Api, pod: OwnPod | undefined): Promise<string> {
  const { items } = pod ? await api.pods.list({ fieldSelector: `metadata.name=${pod.name}` }) : { items: [] }
  const own = items.find(({ metadata }) => metadata?.uid === pod?.uid)
  const containers = own?.spec?.containers ?? []
  const container = containers.find(({ name }) => name === apiContainer) ?? containers[0]
  if (container?.image) return container.image
  const missing = pod ? `, and the pod ${pod.name} with the UID of POD_UID is not in ${api.namespace}` : ''
  throw new StartError(
    `settings: UPLOADER_IMAGE: missing${missing}; expected the project's own image, for the uploader`,
  )
}
