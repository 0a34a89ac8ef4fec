import { setTimeout as delay } from 'node:timers/promises'
import type { JobPlan } from '../../src/job/backend.ts'
import { createLocalBackend, type LocalSettings } from '../../src/local/backend.ts'
import { jobFolders } from '../../src/local/folders.ts'
import { type JobRecord, readRecord } from '../../src/local/record.ts'
import { createLog } from '../../src/log.ts'

/**
 * An API that dies as by `kill -9`: makes the plans' jobs and ends itself as soon as the first one's record on disk is
 * as far as wanted. Its one argument is a DriverOrder as JSON.
 */
export interface DriverOrder {
  settings: LocalSettings
  plans: JobPlan[]
  dieWhen: Phase
  /** Stops the first job as soon as its worker runs. */
  cancel?: boolean
}

const phases = {
  preparing: ({ attempt }: JobRecord) => attempt?.uploader.process !== undefined,
  running: ({ attempt }: JobRecord) => attempt?.worker.process !== undefined,
  stopping: ({ stop }: JobRecord) => stop !== undefined,
  storing: ({ attempt }: JobRecord) => attempt?.worker.exitCode !== undefined,
  ended: ({ ended }: JobRecord) => ended !== undefined,
}

export type Phase = keyof typeof phases

if (import.meta.main) await drive(JSON.parse(process.argv[2] ?? '') as DriverOrder)

async function drive({ settings, plans, dieWhen, cancel }: DriverOrder): Promise<void> {
  const backend = createLocalBackend(settings, createLog('driver', 'warn'))
  await backend.start()
  for (const plan of plans) await backend.create(plan)
  const uuid = plans[0]?.uuid ?? ''
  for (;;) {
    const record = await readRecord(jobFolders(settings.directory, uuid).record)
    if (record && phases[dieWhen](record)) process.kill(process.pid, 'SIGKILL')
    if (record && cancel && phases.running(record)) {
      const cause = { reason: 'Canceled', message: 'canceled by a test' } as const
      await backend.stop(uuid, { outcome: 'canceled', cause, at: Date.now() })
    }
    await delay(2)
  }
}
