import { LRUCache } from 'lru-cache'
import { messageOf } from '../../errors.ts'
import type { Outgoing } from '../outgoing/outgoing.ts'
import { didWebUrl, findKey } from './did-web.ts'

const keepMilliseconds = 5 * 60_000
/** Documents that are fetched anew for keys that they don't have, per DID and `keepMilliseconds`: callers choose the keys. */
const maxRefetches = 10

/**
 * - `refused`: the DID or its document has no such key
 * - `unavailable`: the document can't be had now
 */
export class DidError extends Error {
  readonly kind: 'refused' | 'unavailable'

  constructor(kind: DidError['kind'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'DidError'
    this.kind = kind
  }
}

/** Public keys of DIDs. */
export interface DidKeys {
  /** The JWK that `kid` names in the DID's document. Rejects with DidError. */
  find(did: string, kid: string): Promise<Record<string, unknown>>
}

/** Resolves `did:web`; documents are kept for five minutes, and fetched anew for a key that they don't have. */
export function createDidKeys(outgoing: Pick<Outgoing, 'send'>): DidKeys {
  const documents = new LRUCache<string, { document: unknown; refetches: number }>({
    max: 1000,
    ttl: keepMilliseconds,
  })

  async function resolve(did: string): Promise<unknown> {
    const url = didWebUrl(did)
    if (url === undefined) throw new DidError('refused', `${did} is no did:web`)
    const answer = await outgoing
      .send({ method: 'GET', url, headers: { accept: 'application/did+json, application/json' } })
      .catch((error: unknown) => {
        throw new DidError('unavailable', `${url}: ${messageOf(error)}`, { cause: error })
      })
    if (answer.status !== 200) throw new DidError('unavailable', `${url} answered ${answer.status}`)
    if (answer.truncated) throw new DidError('refused', `${url} is too large`)
    try {
      return JSON.parse(answer.body.toString('utf8'))
    } catch (error) {
      throw new DidError('refused', `${url} is no JSON`, { cause: error })
    }
  }

  return {
    async find(did, kid) {
      let known = documents.get(did)
      let fresh = false
      if (known === undefined) {
        known = { document: await resolve(did), refetches: 0 }
        documents.set(did, known)
        fresh = true
      }
      let key = findKey(known.document, did, kid)
      if (key === undefined && !fresh && known.refetches < maxRefetches) {
        // The key may have been rotated since; the counter lives as long as the entry.
        known.refetches++
        known.document = await resolve(did)
        key = findKey(known.document, did, kid)
      }
      if (key === undefined) throw new DidError('refused', `the document of ${did} has no key ${kid}`)
      if (typeof key.publicKeyJwk !== 'object')
        throw new DidError('refused', `the key ${kid} has no publicKeyJwk`)
      return key.publicKeyJwk
    },
  }
}
