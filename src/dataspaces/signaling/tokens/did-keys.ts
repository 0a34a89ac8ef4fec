import { DocumentError, type JsonDocuments } from '../json-documents.ts'
import { didWebUrl, findKey } from './did-web.ts'

/** Public keys of DIDs. */
export interface DidKeys {
  /** The JWK that `kid` names in the DID's document. Rejects with DocumentError. */
  find(did: string, kid: string): Promise<Record<string, unknown>>
}

/** Public keys of `did:web` DIDs. */
export function createDidKeys(documents: JsonDocuments): DidKeys {
  return {
    async find(did, kid) {
      const url = didWebUrl(did)
      if (url === undefined) throw new DocumentError('refused', `${did} is not a did:web`)
      const key = await documents.find(url, (document) => findKey(document, did, kid))
      if (key === undefined) throw new DocumentError('refused', `the document of ${did} has no key ${kid}`)
      if (typeof key.publicKeyJwk !== 'object') {
        throw new DocumentError('refused', `the key ${kid} has no publicKeyJwk`)
      }
      return key.publicKeyJwk
    },
  }
}
