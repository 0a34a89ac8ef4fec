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
    // Of a body that is not read to its end; an error has ended it already.
    await reader.cancel().catch(() => {})
  }
}
