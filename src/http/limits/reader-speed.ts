import type { ServerResponse } from 'node:http'
import type { Sink } from '../../util/sink.ts'
import type { ClientLimits } from './client-limits.ts'

/**
 * A sink that destroys the answer if its reader takes less than `readerBytes` while the API waits
 * for it for `reader` in all. Time in which the API itself has nothing to send, because the store
 * is slow, doesn't count.
 */
export function watchReader(
  res: ServerResponse,
  sink: Sink,
  { reader, readerBytes }: Pick<ClientLimits, 'reader' | 'readerBytes'>,
): Sink {
  let taken = 0
  let waited = 0
  let since: number | undefined
  const check = () => {
    const now = performance.now()
    if (waited + (since === undefined ? 0 : now - since) < reader) return
    if (taken < readerBytes) res.destroy()
    taken = 0
    waited = 0
    if (since !== undefined) since = now
  }
  const checking = setInterval(check, reader / 20)
  res.once('close', () => clearInterval(checking))
  return async (chunk) => {
    const bytes = chunk.length
    since = performance.now()
    await sink(chunk)
    waited += performance.now() - since
    since = undefined
    taken += bytes
  }
}
