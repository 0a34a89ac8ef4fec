import { JobferryError } from '../errors.ts'

/** The chunks of an answer's body. A connection that breaks off is a JobferryError `interrupted`. */
export async function* bodyOf(
  response: Response,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (response.body === null) return
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } catch (error) {
    signal?.throwIfAborted()
    throw new JobferryError('interrupted', `the connection to ${response.url} broke off`, { cause: error })
  } finally {
    // Ends the answer of a caller that stops reading; after an error nothing is left to end.
    await reader.cancel().catch(() => {})
  }
}
