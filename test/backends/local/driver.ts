import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { attemptFolders, jobFolders } from '../../../src/backends/local/files/job-folders.ts'
import { createLocalBackend } from '../../../src/backends/local/local-backend.ts'
import type { LocalSettings } from '../../../src/backends/local/local-settings.ts'
import { type LocalJobRecord, readRecord } from '../../../src/backends/local/record/local-job-record.ts'
import { readState } from '../../../src/backends/local/supervisor/attempt-state.ts'
import type { JobPlan } from '../../../src/job/backend.ts'
import { storeForChildren } from '../../../src/store/store-kinds.ts'
import { createLog } from '../../../src/util/log.ts'

/**
 * The order for this program, its one argument as JSON. The program runs a local backend, creates
 * the jobs of `plans`, and kills itself by SIGKILL once the first job's record on disk is at
 * `dieWhen`.
 */
export interface DriverOrder {
  /** Without the store: it has functions, and is the folder `store` in the data directory. */
  settings: Omit<LocalSettings, 'store'>
  plans: JobPlan[]
  dieWhen: Phase
  /** Stops the first job as soon as its worker runs. */
  cancel?: boolean
}

const phases = {
  preparing: ({ attempt }: LocalJobRecord) => attempt?.uploader.process !== undefined,
  running: ({ attempt }: LocalJobRecord) => attempt?.worker.process !== undefined,
  stopping: ({ stop }: LocalJobRecord) => stop !== undefined,
  storing: ({ attempt }: LocalJobRecord) => attempt?.worker.exitCode !== undefined,
  failedOnce: ({ failedAttempts }: LocalJobRecord) => failedAttempts === 1,
  ended: ({ ended }: LocalJobRecord) => ended !== undefined,
}

export type Phase = keyof typeof phases

if (import.meta.main) await drive(JSON.parse(process.argv[2] ?? '') as DriverOrder)

async function drive({ settings, plans, dieWhen, cancel }: DriverOrder): Promise<void> {
  const store = storeForChildren({ kind: 'folder', directory: join(settings.dataDirectory, 'store') })
  const backend = createLocalBackend({ ...settings, store }, createLog('driver', 'warn'))
  await backend.start()
  for (const plan of plans) await backend.create(plan)
  const uuid = plans[0]?.uuid ?? ''
  for (;;) {
    const record = await recordOf(join(settings.dataDirectory, 'local'), uuid)
    if (record && phases[dieWhen](record)) process.kill(process.pid, 'SIGKILL')
    if (record && cancel && phases.running(record)) {
      const cause = { reason: 'Canceled', message: 'canceled by a test' } as const
      await backend.stop(uuid, { outcome: 'canceled', cause, at: Date.now() })
    }
    await delay(2)
  }
}

/** With what the supervisor has written down. */
async function recordOf(directory: string, uuid: string): Promise<LocalJobRecord | undefined> {
  const record = await readRecord(jobFolders(directory, uuid).record)
  if (record?.attempt === undefined) return record
  const state = await readState(attemptFolders(directory, uuid, record.attempt.uid).root)
  return state ? { ...record, attempt: state.attempt } : record
}
