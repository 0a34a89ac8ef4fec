import { createObjectReaders, type ObjectReaders } from './artifact/s3-readers.ts'
import type { ArtifactStore } from './artifact/store.ts'
import type { Callbacks } from './completion/callbacks/callbacks.ts'
import { createGrants } from './completion/grants/create-grants.ts'
import type { Grants } from './completion/grants/grants.ts'
import { sweepGrants } from './completion/grants/sweep-grants.ts'
import { createProvisioning, type Provisioning } from './completion/provision/provisioning.ts'
import { registerDataPlane } from './completion/signaling/registration.ts'
import { createSignaling, type Signaling } from './completion/signaling/signaling.ts'
import { type Config, isLoopback } from './config.ts'
import type { Services } from './http/services.ts'
import type { Jobs } from './lifecycle/jobs.ts'
import { createOwnObjects } from './result/own-object.ts'

export interface DataSpaces {
  grants: Grants
  provisioning: Provisioning
  signaling: Signaling
  /** Begins what happens by itself, until `signal`. */
  start(signal: AbortSignal): void
  close(): Promise<void>
}

/** What gives results to data connectors, over all else. */
export function createDataSpaces(
  config: Config,
  parts: Pick<
    Services,
    'jobs' | 'backend' | 'configured' | 'completion' | 'datasets' | 'locateResult' | 'log' | 'metrics'
  > & { store: ArtifactStore },
): DataSpaces {
  const { store, backend: lease, locateResult, completion, metrics, log } = parts
  const grants = createGrants(store, { seconds: config.grantSeconds })
  const objects = createOwnObjects(store, locateResult, log)
  const readers = createReaders(config)
  const { publicUrl, grantSeconds: seconds, edc } = config
  if (publicUrl === undefined && config.datasetsFile !== undefined) {
    log.warn(
      'PUBLIC_URL is not set: data that datasets give by http will be refused, since nobody can be told its address',
    )
  }
  if (publicUrl?.startsWith('http:') && !isLoopback(new URL(publicUrl).hostname) && config.datasetsFile) {
    log.warn(
      { publicUrl },
      'PUBLIC_URL is no https: address: receivers of Dataplane Signaling must refuse others',
    )
  }
  const onDeployed = () => metrics.deployed()
  const jobs = callingBack(parts.jobs, completion.callbacks)
  const access = { grants, objects, readers, publicUrl, seconds }
  const provisioning = createProvisioning({ ...parts, jobs, lease, access, edc, onDeployed })
  const { outgoing } = completion
  const signaling = createSignaling({
    ...{ ...parts, jobs, grants, outgoing, outbox: completion.outbox, jobEnds: completion.ends },
    ...{ settings: config.signaling, publicUrl, onDeployed, objects, managementUrl: edc.managementUrl },
  })
  let endSweeps: (() => void) | undefined
  return {
    grants,
    provisioning,
    signaling,
    start(signal) {
      provisioning.start()
      void registerDataPlane({ settings: config.signaling, outgoing, log }, signal)
      endSweeps = sweepGrants(grants, lease, log)
    },
    async close() {
      endSweeps?.()
      await provisioning.close()
      await readers?.close()
    },
  }
}

/** A configured job may name a callback, whoever has it made. */
function callingBack(jobs: Jobs, callbacks: Callbacks): Jobs {
  return {
    ...jobs,
    async beginDeployment(key) {
      const deployment = await jobs.beginDeployment(key)
      const { uuid } = deployment
      return {
        ...deployment,
        deploy: (request) => deployment.deploy(request, callbacks.companion(uuid, request, null)),
      }
    },
  }
}

/** Undefined where the store is no S3. */
function createReaders({ store, readers }: Config): ObjectReaders | undefined {
  if (store.kind !== 's3') return undefined
  const { publicEndpoint = store.endpoint, ...settings } = store
  return createObjectReaders({ ...settings, ...readers, publicEndpoint })
}
