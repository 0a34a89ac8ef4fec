import * as z from 'zod'
import type { DataAddress } from '../../dataspaces/signaling/flow-data-address.ts'
import { flowStates } from '../../dataspaces/signaling/flows/flow-states.ts'
import type { StatusMessage } from '../../dataspaces/signaling/flows/notices.ts'
import type { OAuthError, TokenAnswer } from '../../dataspaces/signaling/tokens/renewal.ts'
import { linksSchema } from '../../job/links.ts'
import { schemaOf } from './schema-of.ts'

/** Empty for a deprovision request. */
export const provisionAnswer = z.union([
  z.strictObject({ job_uuid: z.uuid(), links: linksSchema }),
  z.strictObject({}),
])

const dataAddress = schemaOf<DataAddress>()(
  z.strictObject({
    '@type': z.literal('DataAddress'),
    endpointType: z.string(),
    endpoint: z.string(),
    endpointProperties: z.array(
      z.strictObject({ '@type': z.literal('EndpointProperty'), name: z.string(), value: z.string() }),
    ),
  }),
)

/** A DataFlowStatusMessage. */
export const flowMessage = schemaOf<StatusMessage>()(
  z.strictObject({
    messageId: z.string(),
    dataFlowId: z.string(),
    state: z.enum(flowStates),
    dataAddress: dataAddress.exactOptional(),
    error: z.string().exactOptional(),
    dataplaneId: z.string().describe('For connectors 0.16').exactOptional(),
  }),
)

export const flowStatusAnswer = z.strictObject({
  dataFlowId: z.string(),
  state: z.enum(flowStates),
  error: z.string().exactOptional(),
})

/** RFC 6749, section 5.1. */
export const tokenAnswer = schemaOf<TokenAnswer>()(
  z.strictObject({
    access_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.int(),
    refresh_token: z.string().exactOptional(),
  }),
)

const oauthErrors = schemaOf<OAuthError['code']>()(
  z.enum([
    'invalid_request',
    'invalid_client',
    'invalid_grant',
    'unsupported_grant_type',
    'temporarily_unavailable',
  ]),
)

/** RFC 6749, section 5.2. */
export const tokenErrorAnswer = z.strictObject({ error: oauthErrors, error_description: z.string() })

/** RFC 7517: one elliptic curve key. */
export const publicKeysAnswer = z.strictObject({
  keys: z.array(
    z.strictObject({
      kty: z.literal('EC'),
      crv: z.string(),
      x: z.string(),
      y: z.string(),
      kid: z.string(),
      alg: z.string().exactOptional(),
      use: z.string().exactOptional(),
    }),
  ),
})
