import { bodyOf } from '../http/body.ts'
import { linesOf } from '../http/lines.ts'
import type { Transport } from '../http/transport.ts'
import type { Entry } from '../types.ts'
import { entryPathBytes, queryValue } from './entry-path.ts'

export interface EntriesOptions {
  /** Compared with whole paths: `tables/` for what is in that folder. */
  prefix?: string | undefined
  /** Before the job's end: what is stored by then. */
  soFar?: boolean | undefined
  signal?: AbortSignal | undefined
}

/** The entries of a result, in the order of their paths; after a break it goes on behind the last. */
export async function* readEntries(
  transport: Transport,
  id: string,
  { prefix, soFar, signal }: EntriesOptions = {},
): AsyncGenerator<Entry, void, undefined> {
  const retries = transport.retries(signal)
  let last: Entry | undefined
  for (;;) {
    const query = [
      ...(prefix === undefined ? [] : [`prefix=${queryValue(Buffer.from(prefix))}`]),
      ...(soFar ? ['so_far=true'] : []),
      ...(last === undefined ? [] : [`after=${queryValue(entryPathBytes(last))}`]),
    ].join('&')
    const path = `/job/${encodeURIComponent(id)}/result/list?${query}`
    try {
      const response = await transport.request(path, { headers: { accept: 'application/x-ndjson' }, signal })
      for await (const line of linesOf(bodyOf(response, signal))) {
        if (line === '') continue
        // The part of a line that a break cut: the next request has the line again.
        const entry = JSON.parse(line) as Entry
        retries.progressed()
        last = entry
        yield entry
      }
      return
    } catch (error) {
      if (!(await retries.again(error))) throw error
    }
  }
}
