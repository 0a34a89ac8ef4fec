import * as z from 'zod'
import { check } from '../../../util/checks/schema-errors.ts'
import type { OutgoingCalls } from '../../../util/egress/outgoing-calls.ts'
import { invalid } from '../../../util/errors.ts'
import type { OwnKey } from '../tokens/own-key.ts'
import type { ControlPlane } from './control-planes.ts'

/**
 * The profile OAuth 2 Client Credentials Grant; what it says of keys is for calls in the other
 * direction.
 */
const clientCredentials = z.looseObject({
  type: z.literal('oauth2_client_credentials'),
  tokenEndpoint: z.url({ protocol: /^https?$/, error: 'an http:// or https:// address' }),
  clientId: z.string('a string'),
  clientSecret: z.string('a string'),
  jwks: z.looseObject({ keys: z.array(z.looseObject({})) }, 'a JSON Web Key Set').optional(),
  jwksUri: z.url({ protocol: /^https?$/, error: 'an http:// or https:// address' }).optional(),
})
export type ClientCredentials = z.infer<typeof clientCredentials>

/** From the settings only: the value of the Authorization header. */
export const headerType = 'header'
/** From the settings only: a JWT that this data plane signs itself. */
export const selfSignedType = 'self-signed'

export interface AuthorizationParts {
  outgoing: Pick<OutgoingCalls, 'send'>
  ownKey: Pick<OwnKey, 'sign'>
  dataplaneId: string
}

/** Checks an authorization object. Throws a Problem `invalid-request`. */
export function checkAuthorization(authorization: { type: string }): ClientCredentials {
  if (authorization.type !== 'oauth2_client_credentials') {
    throw invalid('authorization.type', 'is not supported', 'oauth2_client_credentials, or no authorization')
  }
  return check(clientCredentials, authorization, 'authorization')
}

/**
 * The headers that authorize a call to a control plane, with a new access token for each call:
 * control planes refuse a token whose `jti` they have seen. Rejects if the authorization server
 * gives no token.
 */
export async function authorizationHeaders(
  { authorization, trusted, endpoint }: Pick<ControlPlane, 'authorization' | 'trusted' | 'endpoint'>,
  { outgoing, ownKey, dataplaneId }: AuthorizationParts,
): Promise<Record<string, string>> {
  if (authorization === undefined) return {}
  if (authorization.type === headerType) return { authorization: String(authorization.value) }
  if (authorization.type === selfSignedType) {
    return { authorization: `Bearer ${await ownKey.sign({ sub: dataplaneId, aud: endpoint, seconds: 60 })}` }
  }
  const { tokenEndpoint, clientId, clientSecret } = checkAuthorization(authorization)
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }
  const answer = await outgoing.send({
    method: 'POST',
    url: tokenEndpoint,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: new URLSearchParams(form).toString(),
    trusted,
  })
  const token = answer.status === 200 ? accessTokenIn(answer.body) : undefined
  if (token === undefined)
    throw new Error(`no access token from ${tokenEndpoint}: it answered ${answer.status}`)
  return { authorization: `Bearer ${token}` }
}

function accessTokenIn(body: Buffer): string | undefined {
  try {
    const { access_token: token } = JSON.parse(body.toString('utf8')) as { access_token?: unknown }
    return typeof token === 'string' && /^[\x21-\x7e]+$/.test(token) ? token : undefined
  } catch {
    return undefined
  }
}
