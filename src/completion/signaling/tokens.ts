import { randomBytes } from 'node:crypto'
import { Problem } from '../../errors.ts'
import { datasetUrl } from '../datasets/dataset-address.ts'
import type { Grants } from '../grants/grants.ts'
import { type DataAddress, dataAddress } from './data-address.ts'
import { didWebUrl } from './did-web.ts'
import { type Flow, grantId, sha256Hex } from './flow.ts'
import type { Flows } from './flows.ts'
import type { SignalingSettings } from './settings.ts'

/** Tokens of one flow that still count; a renewal names one of them. */
const keptRefreshTokens = 20
const keptAccessTokens = 100

export interface TokenParts {
  flows: Flows
  grants: Pick<Grants, 'create' | 'suspend' | 'resume' | 'revoke'>
  settings: Pick<SignalingSettings, 'participantId' | 'tokenSeconds' | 'finalTokenSeconds'>
  publicUrl: string | undefined
}

/**
 * The address of a started flow's data, with new tokens. Rejects with a Problem `conflict` where it is not started
 * (any more): its tokens open nothing then.
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

/** One more access token for a flow that is started, and what it may be renewed with. Rejects as newAddress(). */
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

/** Does what a flow's state means for who reads its data: nothing is read while it is suspended or once it is over. */
export async function closeData(
  { flows, grants }: Pick<TokenParts, 'flows' | 'grants'>,
  flow: Flow,
): Promise<void> {
  if (flow.state === 'SUSPENDED') {
    await grants.suspend(grantId(flow.id))
    // Where it was resumed meanwhile, this came too late.
    const now = await flows.read(flow.id)
    if (now?.state === 'STARTED') await grants.resume(grantId(flow.id))
  } else if (flow.state === 'COMPLETED' || flow.state === 'TERMINATED') await grants.revoke(grantId(flow.id))
}

/** Whose a refresh token is by its own word; undefined for what is none. */
export function flowOfRefreshToken(token: string): string | undefined {
  const encoded = /^jfr_([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+$/.exec(token)?.[1]
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64url').toString('utf8')
}

/** Rejects with a Problem `unavailable` where PUBLIC_URL isn't set: addresses for others need it. */
export function publicUrlOf({ publicUrl }: Pick<TokenParts, 'publicUrl'>): string {
  if (publicUrl !== undefined) return publicUrl
  throw new Problem('unavailable', 'PUBLIC_URL is not set: without it no address can be given to others')
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
  // It was suspended or ended meanwhile, and the new token had made the grant open again.
  if (now !== undefined) await closeData(parts, now)
  throw notStarted(now ?? { id, state: 'INITIALIZED' })
}

/** A refresh token is bound to the reader's DID, which has to be one that can be resolved. */
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
