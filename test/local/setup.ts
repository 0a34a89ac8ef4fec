import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { JobBackend } from '../../src/job/backend.ts'
import type { JobRequest } from '../../src/job/request.ts'
import { createLocalBackend, type LocalSettings } from '../../src/local/backend.ts'
import type { JobRecord } from '../../src/local/record.ts'
import { createLog } from '../../src/log.ts'
import { jobRequest } from '../support/job-request.ts'

/** A folder of the test's own, removed at its end. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'jobferry-local-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export function settingsIn(folder: string, more: Partial<LocalSettings> = {}): LocalSettings {
  return {
    directory: join(folder, 'local'),
    store: { kind: 'folder', directory: join(folder, 'store') },
    ...more,
  }
}

/** A started backend in a folder, closed at the test's end. */
export async function startBackend(folder: string, more: Partial<LocalSettings> = {}): Promise<JobBackend> {
  const backend = createLocalBackend(settingsIn(folder, more), createLog('test', 'silent'))
  onTestFinished(() => backend.close())
  await backend.start()
  return backend
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

/** An uploader that does as the script says, in place of the project's own: for faults that this one never has. */
export async function scriptedUploader(folder: string, script: string): Promise<{ command: string[] }> {
  const path = join(folder, 'uploader.sh')
  await writeFile(path, script)
  return { command: ['sh', path] }
}

export async function recordOf(folder: string, uuid: string): Promise<JobRecord> {
  return JSON.parse(await readFile(join(folder, 'local', uuid, 'job.json'), 'utf8')) as JobRecord
}
