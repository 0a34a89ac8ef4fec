import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isJobFolder, jobFolders } from '../../src/backends/local/files/job-folders.ts'
import { readRecord } from '../../src/backends/local/record/local-job-record.ts'
import { killAttempt } from '../../src/backends/local/recover.ts'
import { createLog } from '../../src/util/log.ts'

const log = createLog('test', 'error')

/** Kills what runs of the jobs in a DATA_DIRECTORY: it outlives the API. */
export async function endJobs(dataDirectory: string): Promise<void> {
  const directory = join(dataDirectory, 'local')
  const names = await readdir(directory).catch(() => [])
  for (const name of names.filter(isJobFolder)) {
    const record = await readRecord(jobFolders(directory, name).record).catch(() => undefined)
    if (record?.attempt && !record.ended) await killAttempt(record.attempt, name, log)
  }
}
