import type { PodSelectors } from '../../../job/policy/judged-request.ts'
import { type Clock, systemClock } from '../../../util/clock.ts'
import type { Log } from '../../../util/log.ts'
import type { Api } from '../api/api.ts'
import { listAll } from '../api/list-pages.ts'
import type { Service } from '../api/objects.ts'
import { hasStatus, problemOf } from '../api/status-error.ts'
import { apiLabels } from '../names.ts'

/** A list of Services is used for so long: new ones are rare, and each deploy with labels asks. */
const maxAgeMilliseconds = 10_000

const ownSelector = { name: 'the API of Jobferry', labels: apiLabels }

/**
 * The selectors of the namespace's Services, and the API's own. An `address` that lies in the
 * cluster names a Service that is known without the right to list them. The function rejects with
 * Problem.
 */
export function createPodSelectors(
  api: Pick<Api, 'services'>,
  addresses: readonly string[],
  log: Log,
  clock: Clock = systemClock,
): () => Promise<PodSelectors> {
  let newest: { at: number; selectors: Promise<PodSelectors> } | undefined
  let isRefused = false

  async function read(): Promise<PodSelectors> {
    const knownNames = [apiLabels['app.kubernetes.io/name'], ...addresses.flatMap(serviceIn)]
    try {
      const services = await listAll(api.services)
      isRefused = false
      return { complete: true, list: [ownSelector, ...services.flatMap(selectorOf)], knownNames }
    } catch (error) {
      if (!hasStatus(error, 403)) throw problemOf(error)
      if (!isRefused) log.warn({ knownNames }, withoutRight)
      isRefused = true
      return { complete: false, list: [ownSelector], knownNames }
    }
  }

  return () => {
    if (newest === undefined || clock.now() - newest.at > maxAgeMilliseconds) {
      const reading = { at: clock.now(), selectors: read() }
      newest = reading
      reading.selectors.catch(() => {
        if (newest === reading) newest = undefined
      })
    }
    return newest.selectors
  }
}

const withoutRight =
  "the API may not list Services, which the policy's labels need: callers' labels are judged by names instead; expected the Role of manifests/base, with list of services"

/** A Service without a selector has no pods of its own. */
function selectorOf({ metadata, spec }: Service): PodSelectors['list'][number][] {
  const labels = spec?.selector ?? {}
  if (Object.keys(labels).length === 0) return []
  return [{ name: `the Service ${metadata?.name ?? ''}`, labels }]
}

/**
 * `minio` of `http://minio:9000` and of `http://minio.jobs.svc:9000`; none of an outside address.
 */
function serviceIn(endpoint: string): string[] {
  const host = URL.canParse(endpoint) ? new URL(endpoint).hostname : ''
  const [name = '', namespace, service] = host.split('.')
  const isInCluster = namespace === undefined || service === 'svc'
  return isInCluster && /^[a-z]/.test(name) && name !== 'localhost' ? [name] : []
}
