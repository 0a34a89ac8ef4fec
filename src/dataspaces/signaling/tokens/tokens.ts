import { randomBytes } from 'node:crypto'
import { Problem } from '../../../util/errors.ts'
import { datasetUrl } from '../../datasets/dataset-address.ts'
import type { Grants } from '../../grants/grants.ts'
import { type DataAddress, dataAddress } from '../flow-data-address.ts'
import { type Flow, grantId, sha256Hex } from '../flows/flow.ts'
import type { Flows } from '../flows/flows.ts'
import type { SignalingSettings } from '../signaling-settings.ts'
import { didWebUrl } from './did-web.ts'

/** Newest tokens of a flow that a renewal may name. */
const keptRefreshTokens = 20
const keptAccessTokens = 100

export interface TokenParts {
  flows: Flows
  grants: Pick<Grants, 'create' | 'suspend' | 'resume' | 'revoke'>
  settings: Pick<SignalingSettings, 'participantId' | 'tokenSeconds' | 'finalTokenSeconds'>
  publicUrl: string | undefined
}

/**
 * The data address of a started flow, with new tokens. Rejects with a Problem `conflict` if the
 * flow is not in STARTED; its tokens are invalid then.
 */
export async function newAddress(parts: TokenParts, flow: Flow): Promise<DataAddress> {
  const publicUrl = publicUrlOf(parts)
  if (flow.state !== 'STARTED') throw notStarted(flow)
  const refreshToken = canRenew(parts, flow) ? newRefreshToken(flow.id) : undefined
  const { token, seconds } = await newAccessToken(parts, flow, refreshToken)
  return dataAddress(flow, {
    endpoint: datasetUrl(publicUrl, flow.data.uuid, flow.data),
    accessToken: token,
    expiresInSeconds: seconds,
    ...(refreshToken && { renewal: { refreshToken, refreshEndpoint: `${publicUrl}/token` } }),
  })
}

/** A further access token for a started flow, with its refresh token. Rejects as newAddress(). */
export async function newAccessToken(
  parts: TokenParts,
  flow: Flow,
  refreshToken?: string,
): Promise<{ token: string; seconds: number }> {
  const seconds = tokenSeconds(parts, flow)
  const { uuid: job, file } = flow.data
  const files = file === undefined ? {} : { files: [file] }
  const { token } = await parts.grants.create({ id: grantId(flow.id), job, seconds, ...files })
  await remember(parts, flow.id, { access: token, refresh: refreshToken })
  return { token, seconds }
}

/** Applies a flow's state to its grant: suspended or ended flows can't be read. */
export async function closeData(
  { flows, grants }: Pick<TokenParts, 'flows' | 'grants'>,
  flow: Flow,
): Promise<void> {
  if (flow.state === 'SUSPENDED') {
    await grants.suspend(grantId(flow.id))
    // The flow may have been resumed meanwhile: apply its newest state.
    const now = await flows.read(flow.id)
    if (now?.state === 'STARTED') await grants.resume(grantId(flow.id))
  } else if (flow.state === 'COMPLETED' || flow.state === 'TERMINATED') await grants.revoke(grantId(flow.id))
}

/** The flow's id in a refresh token; undefined if it is malformed. */
export function flowOfRefreshToken(token: string): string | undefined {
  const encoded = /^jfr_([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+$/.exec(token)?.[1]
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64url').toString('utf8')
}

/**
 * PUBLIC_URL, which addresses for other parties need. Throws a Problem `unavailable` if it is not
 * set.
 */
export function publicUrlOf({ publicUrl }: Pick<TokenParts, 'publicUrl'>): string {
  if (publicUrl !== undefined) return publicUrl
  throw new Problem(
    'unavailable',
    'PUBLIC_URL is not set: without it this API has no address for other systems',
  )
}

async function remember(
  parts: TokenParts,
  id: string,
  { access, refresh }: { access: string; refresh?: string | undefined },
): Promise<void> {
  const now = await parts.flows.change(id, (flow) => {
    if (flow.state !== 'STARTED') return undefined
    const { tokens } = flow
    const refreshes = refresh === undefined ? tokens.refresh : [...tokens.refresh, sha256Hex(refresh)]
    return {
      ...flow,
      tokens: {
        refresh: refreshes.slice(-keptRefreshTokens),
        access: [...tokens.access, sha256Hex(access)].slice(-keptAccessTokens),
      },
    }
  })
  if (now?.state === 'STARTED') return
  // The flow was suspended or ended meanwhile, and the new token had reopened the grant.
  if (now !== undefined) await closeData(parts, now)
  throw notStarted(now ?? { id, state: 'INITIALIZED' })
}

/** A refresh token is bound to the reader's DID, so the DID has to be resolvable. */
function canRenew({ settings }: Pick<TokenParts, 'settings'>, flow: Flow): boolean {
  return settings.participantId !== undefined && didWebUrl(flow.counter_party_id) !== undefined
}

function tokenSeconds(parts: TokenParts, flow: Flow): number {
  return canRenew(parts, flow) ? parts.settings.tokenSeconds : parts.settings.finalTokenSeconds
}

function newRefreshToken(id: string): string {
  return `jfr_${Buffer.from(id).toString('base64url')}.${randomBytes(32).toString('base64url')}`
}

function notStarted({ id, state }: Pick<Flow, 'id' | 'state'>): Problem {
  return new Problem('conflict', `The data flow ${id} is ${state}; expected STARTED`)
}
