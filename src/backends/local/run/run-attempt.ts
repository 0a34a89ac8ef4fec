import { mkdir } from 'node:fs/promises'
import { AttemptUploader } from './attempt-uploader.ts'
import type { AttemptContext } from './run-context.ts'
import { runWorker } from './run-worker.ts'

/**
 * Runs an attempt from the step that its record has reached: uploader, worker, the worker's
 * remaining processes, the uploader's last pass. The attempt is written down before each step.
 * Rejects with SpawnError for the uploader, and with the file system's errors.
 */
export async function runAttempt(context: AttemptContext): Promise<void> {
  const { attempt, signals, folders, steps } = context
  const uploader = new AttemptUploader(context)
  try {
    if (attempt.worker.launchedAt === undefined) {
      const { root, work, result, input, state, word, scratch } = folders
      const ofSteps = steps.some(({ name }) => name !== undefined) ? [scratch] : []
      for (const folder of [root, work, result, input, state, word, ...ofSteps]) {
        await mkdir(folder, { recursive: true, mode: 0o700 })
      }
      if (await uploader.becomeReady()) await runWorker(context)
    }
    if (attempt.worker.startedAt !== undefined && !signals.kill.isSet) await uploader.store()
  } finally {
    await uploader.kill()
  }
}
