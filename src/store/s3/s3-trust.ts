import { createSecureContext, type SecureContext } from 'node:tls'

/**
 * Options of a TLS connection that accepts only certificates of these authorities (PEM); empty
 * without `ca`: the system's are accepted. All connections share what was parsed.
 */
export function trusting(ca: string | undefined): { secureContext?: SecureContext } {
  return ca === undefined ? {} : { secureContext: createSecureContext({ ca }) }
}
