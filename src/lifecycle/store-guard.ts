import { StoreError } from '../artifact/store.ts'
import { Problem } from '../errors.ts'

/** Runs what a caller waits for; a store that doesn't answer becomes the Problem `unavailable`. */
export async function guarded<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    throw new Problem('unavailable', `the store does not answer as it should: ${error.message}`, {
      retryAfterSeconds: 5,
      cause: error,
    })
  }
}
