import { access, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import {
  markedProcesses,
  uploaderMarker,
  workerMarker,
} from '../../../../src/backends/local/process/kill-processes.ts'
import type { LocalJobRecord } from '../../../../src/backends/local/record/local-job-record.ts'
import { supervisorMarker } from '../../../../src/backends/local/supervisor/supervisor-process.ts'
import type { JobBackend, LiveJob } from '../../../../src/job/backend.ts'
import type { JobRequest } from '../../../../src/job/request/request.ts'
import { planFor } from '../../../job/backend-under-test.ts'
import { hasEnded, until } from '../../../job/live-jobs.ts'
import { temporaryFolder } from '../../../support/files/temporary-folder.ts'
import { eventually } from '../../../support/time/eventually.ts'
import { shellRequest, startBackend } from '../setup.ts'

export const patience = { within: 60_000 }
export const running = (one: LiveJob) => one.observation.attempt?.worker.startedAt !== undefined

/** Makes all reads below a folder fail with ENOTDIR. */
export async function hide(root: string): Promise<void> {
  await rename(root, `${root}.away`)
  await writeFile(root, '')
}

export async function show(root: string): Promise<void> {
  await rm(root)
  await rename(`${root}.away`, root)
}

/** Takes longer than the API waits between two looks at a job. */
export async function runAnother(backend: JobBackend): Promise<void> {
  const plan = planFor(shellRequest('sleep 0.5'))
  await backend.create(plan)
  await until(backend, plan.uuid, hasEnded)
}

/** A job that runs, without its API. */
export async function leave(script: string, fields: Partial<JobRequest> = {}) {
  const folder = temporaryFolder()
  return { folder, ...(await leaveWhen(folder, running, script, {}, fields)) }
}

/** As leave(), of a script that has run `ready`: a signal before its trap would end it at once. */
export async function leaveReady(scriptWith: (ready: string) => string, fields: Partial<JobRequest> = {}) {
  const folder = temporaryFolder()
  const file = join(folder, 'ready')
  const left = await leaveWhen(folder, running, scriptWith(`: >${file}`), {}, fields)
  await eventually(() => access(file), patience)
  return { folder, ...left }
}

export async function leaveWhen(
  folder: string,
  wanted: (job: LiveJob) => boolean,
  script: string,
  settings: Parameters<typeof startBackend>[1] = {},
  fields: Partial<JobRequest> = {},
) {
  const backend = await startBackend(folder, settings)
  const plan = planFor(shellRequest(script, fields))
  await backend.create(plan)
  const { observation } = await until(backend, plan.uuid, wanted)
  await backend.close()
  return { uuid: plan.uuid, uid: observation.attempt?.uid ?? '' }
}

/** Changes a job's record on disk. */
export async function rewrite(
  folder: string,
  uuid: string,
  change: (record: LocalJobRecord) => LocalJobRecord,
): Promise<void> {
  const path = join(folder, 'local', uuid, 'job.json')
  const record = JSON.parse(await readFile(path, 'utf8')) as LocalJobRecord
  await writeFile(`${path}.new`, JSON.stringify(change(record)))
  await rename(`${path}.new`, path)
}

export async function terminateAll(uid: string, markers: ((uid: string) => string)[]): Promise<void> {
  for (const marker of markers) {
    for (const { pid } of await markedProcesses(marker(uid))) process.kill(pid, 'SIGTERM')
  }
}

export async function untilGone(uid: string): Promise<void> {
  for (const marker of [supervisorMarker, workerMarker, uploaderMarker])
    await eventually(async () => expect(await markedProcesses(marker(uid))).toEqual([]), patience)
}
