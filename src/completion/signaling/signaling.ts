import type { ArtifactStore } from '../../artifact/store.ts'
import { invalid } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { JobEnds } from '../job-ends.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { Outgoing } from '../outgoing/outgoing.ts'
import { createAnswers } from './answers.ts'
import { checkAuthorization } from './authorization.ts'
import { type BeginParts, consumerKind } from './begin.ts'
import { type BeginAnsweredParts, type Begun, beginAnswered } from './begin-answered.ts'
import { type CallerTokens, createCallerTokens } from './caller-token.ts'
import { controlPlaneOf } from './control-plane-of.ts'
import { type ControlPlanes, createControlPlanes } from './control-planes.ts'
import { createDidKeys } from './did-keys.ts'
import { type EndParts, jobEnded } from './ends.ts'
import type { Flow } from './flow.ts'
import { createFlows } from './flows.ts'
import { createJsonDocuments } from './json-documents.ts'
import { parseRegistration } from './messages.ts'
import { noticeKind, type StatusMessage, statusMessage } from './notices.ts'
import { createOwnKey, type OwnKey } from './own-key.ts'
import { renew, type TokenAnswer } from './renewal.ts'
import type { SignalingSettings } from './settings.ts'
import { knownFlow, type Signal, type SignalParts, signal } from './signals.ts'
import { newAddress } from './tokens.ts'

export interface SignalingParts
  extends Pick<BeginParts, 'configured' | 'datasets' | 'onDeployed'>,
    Pick<EndParts, 'objects' | 'managementUrl'> {
  store: ArtifactStore
  jobs: BeginAnsweredParts['jobs'] & SignalParts['jobs']
  grants: SignalParts['grants']
  jobEnds: Pick<JobEnds, 'add' | 'register'>
  outbox: Pick<Outbox, 'add' | 'register'>
  outgoing: Pick<Outgoing, 'send' | 'refuses'>
  settings: SignalingSettings
  publicUrl: string | undefined
  log: Log
}

/** A data plane by Dataplane Signaling. Rejects with Problem. */
export interface Signaling {
  begin(kind: 'start' | 'prepare', body: unknown, controlPlane: string | undefined): Promise<Begun>
  /** With a DataFlowStatusMessage where the message has one as its answer. */
  signal(id: string, message: Signal, body: unknown): Promise<StatusMessage>
  status(id: string): Promise<Pick<Flow, 'state' | 'error'> & { dataFlowId: string }>
  /** Rejects with OAuthError. */
  renew(refreshToken: string, clientJwt: string | undefined): Promise<TokenAnswer>
  register(body: unknown, id?: string): Promise<void>
  unregister(id: string): Promise<boolean>
  callers: CallerTokens
  /** What control planes verify this data plane's own tokens with. */
  publicKeys: OwnKey['publicKeys']
}

/** Registers itself with `outbox` and `jobEnds`, which are started after it. */
export function createSignaling(given: SignalingParts): Signaling {
  const { store, log, settings, outbox, outgoing, jobEnds } = given
  const controlPlanes = createControlPlanes(store)
  const answers = createAnswers(store, log)
  const documents = createJsonDocuments(outgoing)
  const { dataplaneId } = settings
  const ownKey = createOwnKey(store, dataplaneId)
  const parts = {
    ...given,
    answers,
    flows: createFlows(store),
    keys: createDidKeys(documents),
    refuses: (url: string) => outgoing.refuses(url),
    controlPlane: async (flow: Pick<Flow, 'callback_address' | 'control_plane'>) =>
      controlPlaneOf(flow, await controlPlanes.list(), settings.controlPlane),
  }
  outbox.register(
    noticeKind({
      ...{ outgoing, log, ownKey, dataplaneId },
      readFlow: (id) => parts.flows.read(id),
      controlPlane: parts.controlPlane,
      address: (flow) => newAddress(parts, flow),
    }),
  )
  jobEnds.register({
    kind: consumerKind,
    jobEnded: (job, waiting) => jobEnded(parts, (waiting.data as { flow: string }).flow, job),
  })
  return {
    begin: (kind, body, controlPlane) => beginAnswered(parts, kind, body, controlPlane),

    async signal(id, message, body) {
      const flow = await signal(parts, id, message, body)
      const address = message === 'resume' ? await newAddress(parts, flow) : undefined
      return statusMessage(flow, dataplaneId, address)
    },

    async status(id) {
      const { state, error } = await knownFlow(parts.flows, id)
      return { dataFlowId: id, state, ...(error !== undefined && { error }) }
    },

    renew: (refreshToken, clientJwt) => renew(parts, refreshToken, clientJwt),
    register: (body, id) => register(parts, controlPlanes, body, id),
    unregister: (id) => controlPlanes.remove(id),
    callers: createCallerTokens({ ownKey, controlPlanes, documents, dataplaneId }),
    publicKeys: () => ownKey.publicKeys(),
  }
}

/** Rejects with a Problem `invalid-request`. `id` is the path's, where that has one. */
async function register(
  { refuses }: Pick<BeginParts, 'refuses'>,
  controlPlanes: ControlPlanes,
  body: unknown,
  id: string | undefined,
): Promise<void> {
  const given = typeof body === 'object' && body !== null ? { controlplaneId: id, ...body } : body
  const registration = parseRegistration(given)
  if (id !== undefined && registration.controlplaneId !== id) {
    throw invalid('controlplaneId', 'is another one than in the path', 'the same in both')
  }
  const { endpoint, authorization } = registration
  if (authorization !== undefined) checkAuthorization(authorization)
  const refused = refuses(endpoint)
  if (refused !== undefined) throw invalid('endpoint', 'is not allowed', refused)
  await controlPlanes.put(registration)
}
