import { decodeJwt } from 'jose'
import { messageOf, Problem } from '../../../util/errors.ts'
import { type Flow, sha256Hex } from '../flows/flow.ts'
import { ClientTokenError, verifyClientToken } from './client-token.ts'
import type { DidKeys } from './did-keys.ts'
import { flowOfRefreshToken, newAccessToken, type TokenParts } from './tokens.ts'

/** An error answer of a token endpoint (RFC 6749, section 5.2). */
export class OAuthError extends Error {
  readonly code:
    | 'invalid_request'
    | 'invalid_client'
    | 'invalid_grant'
    | 'unsupported_grant_type'
    | 'temporarily_unavailable'

  constructor(code: OAuthError['code'], description: string, options?: { cause?: unknown }) {
    super(description, options)
    this.name = 'OAuthError'
    this.code = code
  }
}

/** A token endpoint's answer (RFC 6749, section 5.1). */
export interface TokenAnswer {
  access_token: string
  token_type: 'Bearer'
  expires_in: number
  refresh_token?: string
}

/**
 * Renews a flow's access token (profile Token Renewal). Before any outside call the refresh token
 * is looked up and `iss` compared with the DID that it is bound to, so that strangers can't choose
 * the address that is called. The refresh token is not rotated: it is useless without its owner's
 * signature, and a lost answer must not lock the owner out. Rejects with OAuthError.
 */
export async function renew(
  parts: TokenParts & { keys: DidKeys },
  refreshToken: string,
  clientJwt: string | undefined,
): Promise<TokenAnswer> {
  if (clientJwt === undefined)
    throw new OAuthError('invalid_client', 'Send the JWT of the client as a bearer token')
  const audience = parts.settings.participantId
  const flow = await boundFlow(parts, refreshToken)
  if (audience === undefined) throw new OAuthError('invalid_grant', 'Tokens are not renewed here')
  if (issuerOf(clientJwt) !== flow.counter_party_id) {
    throw new OAuthError('invalid_grant', 'The refresh token was given to another participant')
  }
  const client = await verifyClientToken(clientJwt, audience, parts.keys).catch(refused)
  if (!flow.tokens.access.includes(sha256Hex(client.accessToken))) {
    throw new OAuthError(
      'invalid_grant',
      'The claim token is not the access token that was issued with this refresh token',
    )
  }
  const { token, seconds } = await newAccessToken(parts, flow).catch((error: unknown) => {
    if (!(error instanceof Problem && error.code === 'conflict')) throw error
    throw new OAuthError('invalid_grant', error.message, { cause: error })
  })
  return { access_token: token, token_type: 'Bearer', expires_in: seconds, refresh_token: refreshToken }
}

async function boundFlow({ flows }: TokenParts, refreshToken: string): Promise<Flow> {
  const id = flowOfRefreshToken(refreshToken)
  const flow = id === undefined ? undefined : await flows.read(id)
  if (flow === undefined || !flow.tokens.refresh.includes(sha256Hex(refreshToken))) {
    throw new OAuthError('invalid_grant', 'The refresh token is unknown')
  }
  if (flow.state !== 'STARTED') throw new OAuthError('invalid_grant', `The data flow is ${flow.state}`)
  return flow
}

function issuerOf(jwt: string): string | undefined {
  try {
    return decodeJwt(jwt).iss
  } catch (error) {
    throw new OAuthError('invalid_client', `The bearer token is no JWT: ${messageOf(error)}`)
  }
}

function refused(error: unknown): never {
  if (!(error instanceof ClientTokenError)) throw error
  const code = error.kind === 'unavailable' ? 'temporarily_unavailable' : 'invalid_client'
  throw new OAuthError(code, `The JWT of the client can not be verified: ${error.message}`, { cause: error })
}
