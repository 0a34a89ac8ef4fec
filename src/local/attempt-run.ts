import { mkdir } from 'node:fs/promises'
import type { AttemptContext } from './run-context.ts'
import { UploaderRun } from './uploader-run.ts'
import { runWorker } from './worker-run.ts'

/**
 * One attempt of a job, from wherever its record says that it stands to its end: uploader, worker, what the worker
 * left running, the uploader's last pass. What a later process must know of a step is written down before it.
 * With `halt.closing` it returns early and leaves the record as it is. Rejects with the file system's errors.
 */
export async function runAttempt(context: AttemptContext): Promise<void> {
  const { attempt, halt, folders } = context
  const uploader = new UploaderRun(context)
  try {
    if (attempt.worker.launchedAt === undefined) {
      const { root, work, result, input, state } = folders
      for (const folder of [root, work, result, input, state]) {
        await mkdir(folder, { recursive: true, mode: 0o700 })
      }
      if (await uploader.becomeReady()) await runWorker(context)
    }
    if (attempt.worker.startedAt !== undefined && !halt.kill.isSet) await uploader.store()
  } finally {
    await uploader.kill()
  }
}
