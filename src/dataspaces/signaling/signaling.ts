import type { JobEnds } from '../../notifications/job-ends.ts'
import type { Outbox } from '../../notifications/outbox/outbox.ts'
import type { ArtifactStore } from '../../store/store.ts'
import type { OutgoingCalls } from '../../util/egress/outgoing-calls.ts'
import { invalid } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'
import { defined, isObject } from '../../util/objects.ts'
import { createAnswers } from './answers.ts'
import { checkAuthorization } from './control-planes/authorization.ts'
import { controlPlaneOf } from './control-planes/control-plane-of.ts'
import { type ControlPlanes, createControlPlanes } from './control-planes/control-planes.ts'
import { type BeginParts, flowConsumerKind } from './flows/begin.ts'
import { type BeginAnsweredParts, beginAnswered, type FlowAnswer } from './flows/begin-answered.ts'
import type { Flow } from './flows/flow.ts'
import { type EndParts, jobEnded } from './flows/flow-ends.ts'
import { createFlows } from './flows/flows.ts'
import { noticeKind, type StatusMessage, statusMessage } from './flows/notices.ts'
import { createJsonDocuments } from './json-documents.ts'
import { parseRegistration } from './signaling-messages.ts'
import { configuredControlPlane, type SignalingSettings } from './signaling-settings.ts'
import { knownFlow, type Signal, type SignalParts, signal } from './signals.ts'
import { type CallerTokens, createCallerTokens } from './tokens/caller-token.ts'
import { createDidKeys } from './tokens/did-keys.ts'
import { createOwnKey, type OwnKey } from './tokens/own-key.ts'
import { renew, type TokenAnswer } from './tokens/renewal.ts'
import { newAddress } from './tokens/tokens.ts'

export interface SignalingParts
  extends Pick<BeginParts, 'configured' | 'admission' | 'datasets'>,
    Pick<EndParts, 'objects' | 'managementUrl'> {
  store: ArtifactStore
  jobs: BeginAnsweredParts['jobs'] & SignalParts['jobs']
  grants: SignalParts['grants']
  jobEnds: Pick<JobEnds, 'add' | 'register'>
  outbox: Pick<Outbox, 'add' | 'register'>
  outgoing: Pick<OutgoingCalls, 'send' | 'refuses'>
  settings: SignalingSettings
  publicUrl: string | undefined
  log: Log
}

/** A data plane by Dataplane Signaling. Methods reject with Problem. */
export interface Signaling {
  begin(kind: 'start' | 'prepare', body: unknown, controlPlane: string | undefined): Promise<FlowAnswer>
  /** Resolves with a DataFlowStatusMessage if the message is answered by one. */
  signal(id: string, message: Signal, body: unknown): Promise<StatusMessage>
  status(id: string): Promise<Pick<Flow, 'state' | 'error'> & { dataFlowId: string }>
  /** Rejects with OAuthError. */
  renew(refreshToken: string, clientJwt: string | undefined): Promise<TokenAnswer>
  register(body: unknown, id?: string): Promise<void>
  unregister(id: string): Promise<boolean>
  callers: CallerTokens
  /** The public keys (JWKS) that verify this data plane's own tokens. */
  publicKeys: OwnKey['publicKeys']
}

/** Registers itself with `outbox` and `jobEnds`, which have to be started later. */
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
      controlPlaneOf(flow, await controlPlanes.list(), configuredControlPlane(settings)),
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
    kind: flowConsumerKind,
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
      return { dataFlowId: id, state, ...defined({ error }) }
    },

    renew: (refreshToken, clientJwt) => renew(parts, refreshToken, clientJwt),
    register: (body, id) => register(parts, controlPlanes, body, id),
    unregister: (id) => controlPlanes.remove(id),
    callers: createCallerTokens({ ownKey, controlPlanes, documents, dataplaneId }),
    publicKeys: () => ownKey.publicKeys(),
  }
}

/** Throws a Problem `invalid-request`. `id` is the path's id, if it has one. */
async function register(
  { refuses }: Pick<BeginParts, 'refuses'>,
  controlPlanes: ControlPlanes,
  body: unknown,
  id: string | undefined,
): Promise<void> {
  const given = isObject(body) ? { controlplaneId: id, ...body } : body
  const registration = parseRegistration(given)
  if (id !== undefined && registration.controlplaneId !== id) {
    throw invalid('controlplaneId', 'differs from the id in the path', 'the same id')
  }
  const { endpoint, authorization } = registration
  if (authorization !== undefined) checkAuthorization(authorization)
  const refused = refuses(endpoint)
  if (refused !== undefined) throw invalid('endpoint', 'is not allowed', refused)
  await controlPlanes.put(registration)
}
