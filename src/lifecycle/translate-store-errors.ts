import { StoreError } from '../store/store.ts'
import { Problem } from '../util/errors.ts'

/** Runs a part of a request; its StoreError becomes the Problem `unavailable`. */
export async function translateStoreErrors<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    const full = error.kind === 'full' ? 'the store is full' : 'the store does not answer as it should'
    throw new Problem('unavailable', `${full}: ${error.message}`, {
      retryAfterSeconds: 5,
      cause: error,
    })
  }
}
