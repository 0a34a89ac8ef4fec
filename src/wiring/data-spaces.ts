import type { Config } from '../config/config.ts'
import { isLoopback } from '../config/groups/callers/http-group.ts'
import { createGrants } from '../dataspaces/grants/create-grants.ts'
import type { Grants } from '../dataspaces/grants/grants.ts'
import { sweepGrants } from '../dataspaces/grants/sweep-grants.ts'
import { createProvisioning, type Provisioning } from '../dataspaces/provisioning/provisioning.ts'
import { registerDataPlane } from '../dataspaces/signaling/control-planes/registration.ts'
import { createSignaling, type Signaling } from '../dataspaces/signaling/signaling.ts'
import type { Services } from '../http/services.ts'
import type { Jobs } from '../lifecycle/jobs.ts'
import type { JobCallbacks } from '../notifications/callbacks/job-callbacks.ts'
import { createOwnObjects } from '../results/own-object.ts'
import type { Log } from '../util/log.ts'

export interface DataSpaces {
  grants: Grants
  provisioning: Provisioning
  signaling: Signaling
  /**
   * Begins to register, to tell connectors and to sweep; until `signal` is aborted or close() is
   * called.
   */
  start(signal: AbortSignal): void
  close(): Promise<void>
}

export type DataSpaceParts = Pick<
  Services,
  | 'store'
  | 'jobs'
  | 'leadership'
  | 'configured'
  | 'admission'
  | 'notifications'
  | 'datasets'
  | 'resultOpener'
  | 'log'
>

/** What gives results to data connectors, over all other parts. */
export function createDataSpaces(config: Config, parts: DataSpaceParts): DataSpaces {
  const { store, leadership, notifications, log } = parts
  const { edc, signaling: settings } = config
  const { publicUrl } = config.http
  warnOfPublicUrl(config, log)
  const grants = createGrants(store, config.grants)
  const objects = createOwnObjects(store, parts.resultOpener)
  const jobs = withCallbacks(parts.jobs, notifications.callbacks)
  const provisioning = createProvisioning({
    ...{ ...parts, jobs, edc },
    access: { ...config.grants, grants, objects, readers: store.readers, publicUrl },
  })
  const { outbox, outgoing, ends: jobEnds } = notifications
  const signaling = createSignaling({
    ...{ ...parts, jobs, grants, objects, outgoing, outbox, jobEnds },
    ...{ settings, publicUrl, managementUrl: edc.managementUrl },
  })
  let endSweeps: (() => void) | undefined
  return {
    ...{ grants, provisioning, signaling },
    start(signal) {
      provisioning.start()
      void registerDataPlane({ settings, outgoing, log }, signal)
      endSweeps = sweepGrants(grants, leadership, log)
    },
    async close() {
      endSweeps?.()
      await provisioning.close()
    },
  }
}

function warnOfPublicUrl({ http: { publicUrl }, datasets }: Config, log: Log): void {
  if (datasets.file === undefined) return
  if (publicUrl === undefined) {
    log.warn('PUBLIC_URL is not set: connectors that ask for data over HTTP are refused')
  } else if (publicUrl.startsWith('http:') && !isLoopback(new URL(publicUrl).hostname)) {
    log.warn(
      { publicUrl },
      'PUBLIC_URL is not an https: address: receivers of Dataplane Signaling must refuse other addresses',
    )
  }
}

/**
 * Jobs of connectors are deployed without a caller; the callback of a configured job is sent for
 * them as well.
 */
function withCallbacks(jobs: Jobs, callbacks: JobCallbacks): Jobs {
  return {
    ...jobs,
    async beginDeployment(key, madeBy) {
      const deployment = await jobs.beginDeployment(key, madeBy)
      const { uuid } = deployment
      return {
        ...deployment,
        deploy: (request, _, asked) =>
          deployment.deploy(request, callbacks.pendingNotification(uuid, request, null), asked),
      }
    },
  }
}
