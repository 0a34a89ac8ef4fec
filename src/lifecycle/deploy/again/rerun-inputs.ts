import type { InputRequest } from '../../../job/inputs/input-schema.ts'
import type { ArtifactStore } from '../../../store/store.ts'
import { Problem } from '../../../util/errors.ts'
import type { StoredJob } from '../../stored-job.ts'
import { translateStoreErrors } from '../../translate-store-errors.ts'
import type { Inputs } from '../inputs.ts'
import { asFetched, changed, openStoredInput, readStoredInputs, referencesOf } from '../stored-inputs.ts'

/** As Deployment.takeInputs(). */
export async function takeInputs(
  store: ArtifactStore,
  inputs: Inputs,
  { job, inputsSha256 }: StoredJob,
): Promise<{ references: InputRequest[]; pinned: InputRequest[] }> {
  const stored = await translateStoreErrors(() => readStoredInputs(store, job.job_uuid, inputsSha256))
  const { uuid, files } = stored
  for (const file of files) {
    const open = () => openStoredInput(store, uuid, file)
    await translateStoreErrors(() => inputs.take(file, open, () => changed(uuid, file.path)))
  }
  const references = referencesOf(stored)
  return { references, pinned: asFetched(references, job) }
}

/** What is wrong with a source is no fault of a request that repeats another one. */
export function asGoneInputs(error: unknown): unknown {
  if (!(error instanceof Problem) || error.code !== 'invalid-request') return error
  const { errors, message } = error
  if (!errors.every(({ field }) => /^inputs\[/.test(field))) return error
  const code = errors.every(({ field }) => field.endsWith('.sha256')) ? 'inputs-changed' : 'inputs-gone'
  return new Problem(code, `${message}. Or send other \`inputs\``, { errors })
}
