import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { createLocalBackend } from '../../../src/backends/local/local-backend.ts'
import type { LocalSettings } from '../../../src/backends/local/local-settings.ts'
import { markedProcesses } from '../../../src/backends/local/process/kill-processes.ts'
import type { LocalJobRecord } from '../../../src/backends/local/record/local-job-record.ts'
import { readState } from '../../../src/backends/local/supervisor/attempt-state.ts'
import { supervisorMarker } from '../../../src/backends/local/supervisor/supervisor-process.ts'
import type { JobBackend } from '../../../src/job/backend.ts'
import type { JobRequest } from '../../../src/job/request/request.ts'
import { storeForChildren } from '../../../src/store/store-kinds.ts'
import { createLog } from '../../../src/util/log.ts'
import { jobRequest } from '../../support/api/job-request.ts'
import { endJobs } from '../../support/end-jobs.ts'
import { preparedFolder } from '../../support/store/folder-store.ts'

export function settingsIn(folder: string, more: Partial<LocalSettings> = {}): LocalSettings {
  return {
    dataDirectory: folder,
    ...more,
    store: more.store ?? folderStoreIn(folder),
  }
}

export function folderStoreIn(folder: string): LocalSettings['store'] {
  return storeForChildren({ kind: 'folder', directory: preparedFolder(join(folder, 'store')) })
}

/** A started backend in a folder, closed after the test. */
export async function startBackend(folder: string, more: Partial<LocalSettings> = {}): Promise<JobBackend> {
  const backend = createLocalBackend(settingsIn(folder, more), createLog('test', 'silent'))
  onTestFinished(async () => {
    await backend.close()
    await endJobs(folder)
  })
  await backend.start()
  return backend
}

/** Kills the supervisor of an attempt by SIGKILL, as the out-of-memory killer does. */
export async function killSupervisor(attempt: string): Promise<void> {
  for (const { pid } of await markedProcesses(supervisorMarker(attempt))) process.kill(pid, 'SIGKILL')
}

/** A request whose worker is `sh -c <script>`. */
export function shellRequest(script: string, fields: Partial<JobRequest> = {}): JobRequest {
  return jobRequest({
    command: ['sh', '-c'],
    args: [script],
    start_timeout_seconds: 60,
    stop_grace_seconds: 3,
    upload_timeout_seconds: 60,
    keep_seconds: 60,
    ...fields,
  })
}

/** A shell script in place of the uploader, for faults that the real uploader never has. */
export async function scriptedUploader(folder: string, script: string): Promise<{ command: string[] }> {
  const path = join(folder, 'uploader.sh')
  await writeFile(path, script)
  return { command: ['sh', path] }
}

/** With what the attempt's supervisor has written down. */
export async function recordOf(folder: string, uuid: string): Promise<LocalJobRecord> {
  const root = join(folder, 'local', uuid)
  const record = JSON.parse(await readFile(join(root, 'job.json'), 'utf8')) as LocalJobRecord
  const state = record.attempt && (await readState(join(root, record.attempt.uid)))
  return state ? { ...record, attempt: { ...record.attempt, ...state.attempt } } : record
}

export async function logOf(
  backend: JobBackend,
  uuid: string,
  container: 'worker' | 'uploader' = 'worker',
): Promise<string> {
  const log = await backend.log(uuid, { container })
  return log ? text(log.stream) : ''
}
