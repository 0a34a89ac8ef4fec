import { defined } from '../../util/objects.ts'
import type { ControlPlane } from './control-planes/control-planes.ts'

/** The settings of Dataplane Signaling (SIGNALING_…). */
export interface SignalingSettings {
  /** Id of this data plane at its control planes. */
  dataplaneId: string
  /**
   * The DID of the participant that this data plane works for; without it no refresh tokens are
   * issued.
   */
  participantId?: string | undefined
  /** Accepted transfer profiles. */
  profiles: string[]
  /** Lifetime of an access token that can be renewed, and of one that cannot. */
  tokenSeconds: number
  finalTokenSeconds: number
  /**
   * The control plane for requests that name none while none is registered; its URL has no slash at
   * the end.
   */
  controlPlaneUrl?: string | undefined
  controlPlaneAuthorization?: ControlPlane['authorization'] | undefined
  /** The whole address for the PUT that registers this data plane. */
  registerUrl?: string | undefined
  registerHeaders: Record<string, string>
  /** This data plane's own address, which is registered. */
  endpoint?: string | undefined
  labels: string[]
  authorization?: Record<string, unknown> | undefined
}

/** The control plane of the settings, which may be called at any address. */
export function configuredControlPlane(settings: SignalingSettings): ControlPlane | undefined {
  const { controlPlaneUrl: endpoint, controlPlaneAuthorization: authorization } = settings
  if (endpoint === undefined) return undefined
  return { id: 'configured', endpoint, ...defined({ authorization }), trusted: true }
}
