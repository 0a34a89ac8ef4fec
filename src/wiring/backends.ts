import { hostname } from 'node:os'
import { type Config, ConfigError } from '../config/config.ts'
import type { JobBackend } from '../job/backend.ts'
import { type Leadership, soleLeader } from '../job/leadership.ts'
import type { RemovalRules } from '../job/removal.ts'
import { StoreError } from '../store/store.ts'
import type { StoreForUploaders } from '../store/store-factory.ts'
import { storeForChildren, storeForPods } from '../store/store-kinds.ts'
import { messageOf } from '../util/errors.ts'
import type { Log } from '../util/log.ts'
import { defined } from '../util/objects.ts'

export interface MadeBackend {
  backend: JobBackend
  leadership: Leadership
}

/** The backend of the settings, and the leader election among the replicas that share it. */
export async function createBackend(config: Config, log: Log, rules: RemovalRules): Promise<MadeBackend> {
  switch (config.backend) {
    case 'local':
      return await createLocal(config, log)
    case 'kubernetes':
      return await createKubernetes(config, log, rules)
  }
}

async function createLocal(
  { local, store, packing, results: limits }: Config,
  log: Log,
): Promise<MadeBackend> {
  const { createLocalBackend } = await import('../backends/local/local-backend.ts')
  const { dataDirectory, allowCommands, maxRunning: concurrency, secretsDirectory } = local
  const optional = defined({ concurrency, secretsDirectory })
  const own = { dataDirectory, namedVariablesOnly: !allowCommands, ...optional }
  const backend = createLocalBackend({ ...own, store: storeForChildren(store), packing, limits }, log)
  return { backend, leadership: soleLeader }
}

async function createKubernetes(config: Config, log: Log, rules: RemovalRules): Promise<MadeBackend> {
  const { kubernetes, store, packing, results: limits } = config
  const forPods = storeForPods(store)
  if (forPods === undefined) throw new Error('unreachable: loadConfig() demands a store that pods reach')
  if (forPods.warning !== undefined) log.warn(forPods.warning)
  await checkJobCredentials(forPods, log)
  const { createKubernetesBackend } = await import('../backends/kubernetes/kubernetes-backend.ts')
  const { namespace } = config.jobs
  const settings = { ...kubernetes, namespace, store: forPods, packing, limits, ...identityOf(kubernetes) }
  return createKubernetesBackend(settings, log, rules)
}

/** Throws ConfigError if the store refuses to make keys for jobs: no job could store anything. */
async function checkJobCredentials({ folderCredentials }: StoreForUploaders, log: Log): Promise<void> {
  try {
    await folderCredentials?.check()
  } catch (error) {
    const message = messageOf(error)
    if (error instanceof StoreError && error.kind === 'denied')
      throw new ConfigError([
        `S3_UPLOADER_CREDENTIALS: is job, but the store makes no access key (${message}); expected MinIO and an S3_ACCESS_KEY that may make access keys, or shared`,
      ])
    log.warn({ error: message }, 'the store did not say yet whether it makes a key for each job')
  }
}

/** A restarted container takes over the Lease of the one before, which is gone. */
function identityOf({ podUid: uid }: { podUid?: string | undefined }) {
  return uid ? { identity: `${hostname()}-${uid}`, ownPod: { name: hostname(), uid } } : {}
}
