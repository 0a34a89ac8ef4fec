import { LRUCache } from 'lru-cache'
import { messageOf } from '../../errors.ts'
import type { Outgoing } from '../outgoing/outgoing.ts'

const keepMilliseconds = 5 * 60_000
/** Of one document in that time: callers choose the keys that are looked for. */
const maxRefetches = 10

/**
 * - `refused`: it can't be what was looked for
 * - `unavailable`: it can't be had now
 */
export class DocumentError extends Error {
  readonly kind: 'refused' | 'unavailable'

  constructor(kind: DocumentError['kind'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'DocumentError'
    this.kind = kind
  }
}

/** JSON documents of others that hold their public keys. */
export interface JsonDocuments {
  /**
   * What `pick` finds in the document. It is kept for five minutes, and fetched anew where `pick` finds nothing, since
   * keys are rotated. Rejects with DocumentError.
   */
  find<T>(url: string, pick: (document: unknown) => T | undefined): Promise<T | undefined>
}

export function createJsonDocuments(outgoing: Pick<Outgoing, 'send'>): JsonDocuments {
  const documents = new LRUCache<string, { document: unknown; refetches: number }>({
    max: 1000,
    ttl: keepMilliseconds,
  })
  return {
    async find(url, pick) {
      const known = documents.get(url)
      if (known === undefined) {
        const document = await fetchJson(outgoing, url)
        documents.set(url, { document, refetches: 0 })
        return pick(document)
      }
      const found = pick(known.document)
      if (found !== undefined || known.refetches >= maxRefetches) return found
      known.refetches++
      known.document = await fetchJson(outgoing, url)
      return pick(known.document)
    },
  }
}

async function fetchJson(outgoing: Pick<Outgoing, 'send'>, url: string): Promise<unknown> {
  const answer = await outgoing
    .send({ method: 'GET', url, headers: { accept: 'application/json, application/did+json' } })
    .catch((error: unknown) => {
      throw new DocumentError('unavailable', `${url}: ${messageOf(error)}`, { cause: error })
    })
  if (answer.status !== 200) throw new DocumentError('unavailable', `${url} answered ${answer.status}`)
  if (answer.truncated) throw new DocumentError('refused', `${url} is too large`)
  try {
    return JSON.parse(answer.body.toString('utf8'))
  } catch (error) {
    throw new DocumentError('refused', `${url} is no JSON`, { cause: error })
  }
}
