import { LRUCache } from 'lru-cache'
import type { OutgoingCalls } from '../../util/egress/outgoing-calls.ts'
import { KindError, messageOf } from '../../util/errors.ts'

const keepMilliseconds = 5 * 60_000
/** A caller of `POST /token` waits for the document of its DID, whose host it chose itself. */
const timeoutMilliseconds = 5_000
/**
 * Fetches of one document within that time: callers choose the key ids, so they must not cause
 * more.
 */
const maxRefetches = 10

/**
 * - `refused`: the document can't be valid
 * - `unavailable`: the document can't be fetched now
 */
export class DocumentError extends KindError<'refused' | 'unavailable'> {}

/** JSON documents of other parties with their public keys. */
export interface JsonDocuments {
  /**
   * Resolves with `pick`'s answer for the document. Documents are cached for five minutes and
   * fetched again if `pick` finds nothing, since keys are rotated. Rejects with DocumentError.
   */
  find<T>(url: string, pick: (document: unknown) => T | undefined): Promise<T | undefined>
}

export function createJsonDocuments(
  outgoing: Pick<OutgoingCalls, 'send'>,
  { timeoutMs = timeoutMilliseconds }: { timeoutMs?: number } = {},
): JsonDocuments {
  const fetchJson = (url: string) => fetchDocument(outgoing, url, timeoutMs)
  const documents = new LRUCache<string, { document: unknown; refetches: number }>({
    max: 1000,
    ttl: keepMilliseconds,
  })
  return {
    async find(url, pick) {
      const known = documents.get(url)
      if (known === undefined) {
        const document = await fetchJson(url)
        documents.set(url, { document, refetches: 0 })
        return pick(document)
      }
      const found = pick(known.document)
      if (found !== undefined || known.refetches >= maxRefetches) return found
      known.refetches++
      known.document = await fetchJson(url)
      return pick(known.document)
    },
  }
}

async function fetchDocument(
  outgoing: Pick<OutgoingCalls, 'send'>,
  url: string,
  timeoutMs: number,
): Promise<unknown> {
  const late = AbortSignal.timeout(timeoutMs)
  const headers = { accept: 'application/json, application/did+json' }
  const answer = await outgoing
    .send({ method: 'GET', url, headers, signal: late })
    .catch((cause: unknown) => {
      throw late.aborted ? noAnswer(url, timeoutMs) : unavailable(`${url}: ${messageOf(cause)}`, cause)
    })
  if (late.aborted) throw noAnswer(url, timeoutMs)
  if (answer.status !== 200) throw unavailable(`${url} answered ${answer.status}`)
  if (answer.truncated) throw new DocumentError('refused', `${url} is too large`)
  try {
    return JSON.parse(answer.body.toString('utf8'))
  } catch (error) {
    throw new DocumentError('refused', `${url} is no JSON`, { cause: error })
  }
}

function noAnswer(url: string, timeoutMs: number): DocumentError {
  return unavailable(`${url}: no answer within ${timeoutMs / 1000} s`)
}

function unavailable(message: string, cause?: unknown): DocumentError {
  return new DocumentError('unavailable', message, cause === undefined ? undefined : { cause })
}
