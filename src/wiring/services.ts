import type { Config } from '../config/config.ts'
import { loadDatasets } from '../dataspaces/datasets/load-datasets.ts'
import type { Services } from '../http/services.ts'
import type { Policy } from '../job/policy/policy.ts'
import { createJobs } from '../lifecycle/create-jobs.ts'
import { loadConfiguredJobs } from '../lifecycle/deploy/configured-jobs.ts'
import { removalRules } from '../lifecycle/janitor/janitor.ts'
import { createLocateResult } from '../lifecycle/locate-result.ts'
import { createStoreHealth } from '../lifecycle/store-health.ts'
import { openUploads } from '../result-format/checkpoint/checkpoint.ts'
import { createResultOpener } from '../results/open-result.ts'
import { openStore } from '../store/store-kinds.ts'
import type { Log } from '../util/log.ts'
import { createMetrics } from '../util/metrics.ts'
import { admissionOf } from './admission.ts'
import { createBackend } from './backends.ts'
import { createDataSpaces } from './data-spaces.ts'
import { createNotifications } from './notifications.ts'

export type Cleanup = () => unknown

/**
 * Creates all parts that the routes call; `cleanups` gets the function that ends each. `follow`
 * begins to follow the jobs, once store and backend have answered.
 */
export async function createServices(
  config: Config,
  log: Log,
  state: Pick<Services, 'ready' | 'shutdown'>,
  cleanups: Cleanup[],
): Promise<{ services: Services; follow(): void; setPolicy(policy: Policy): void }> {
  const metrics = createMetrics()
  const rules = removalRules(config.janitor.dryRun, log, metrics)
  const store = await openStore(config.store)
  cleanups.push(() => store.close())
  const { backend, leadership } = await createBackend(config, log, rules)
  cleanups.push(() => backend.close())
  const configured = await loadConfiguredJobs(config.jobs.directory, log)
  cleanups.push(() => configured.close())
  const datasets = await loadDatasets(config.datasets.file, log)
  cleanups.push(() => datasets.close())
  // Loaded late: most installations have no broker.
  const messaging = config.amqp.url === undefined ? undefined : await import('./messages.ts')
  const broker = messaging?.createBroker(config, log, metrics)
  cleanups.push(() => broker?.close())
  const notifications = createNotifications(config, { store, leadership, log, metrics })
  cleanups.push(() => notifications.close())
  const { admission, prepare, setPolicy } = admissionOf(config, backend, log)
  const following = createJobs({
    ...config.jobs,
    ...{ backend, leadership, store, log, metrics },
    inputSources: {
      allow: config.outgoing.allow,
      allowHttp: config.jobs.inputAllowHttp,
      ca: config.jobs.inputCa,
      secrets: config.jobs.requestSecrets,
      unpackMaxBytes: config.jobs.unpackMaxBytes,
      unpackMaxEntries: config.jobs.unpackMaxEntries,
      ownBucket: config.store.kind === 's3' ? config.store : undefined,
    },
    liveJobsPerToken: () => admission.policy?.live_jobs_per_token,
    openUploads: (uuid, attempt) => openUploads(store, uuid, attempt),
    janitor: { ...config.janitor, rules },
    notifyEnd: notifications.notifyEnd,
  })
  cleanups.push(() => following.close())
  const { jobs, uploads } = following
  const resultOpener = createResultOpener(store, createLocateResult(jobs), log, state)
  const storeHealth = createStoreHealth(store)
  const parts = {
    ...{ jobs, uploads, backend, leadership, store, storeHealth, resultOpener },
    ...{ configured, admission, datasets, notifications, metrics, log },
  }
  const dataSpaces = createDataSpaces(config, parts)
  cleanups.push(() => dataSpaces.close())
  const { grants, provisioning, signaling } = dataSpaces
  const services = { ...parts, grants, provisioning, signaling, broker, ...state }
  const messages = messaging?.createMessages(config, services, broker)
  cleanups.push(() => messages?.close())
  return {
    services,
    setPolicy,
    follow() {
      prepare()
      notifications.start()
      cleanups.push(jobs.watch(notifications.changed))
      if (messages) cleanups.push(jobs.watch(messages.changed))
      dataSpaces.start(state.shutdown)
      following.start()
      messages?.start()
      broker?.start()
    },
  }
}
