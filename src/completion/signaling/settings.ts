import type { ControlPlane } from './control-planes.ts'

/** What the environment says of Dataplane Signaling (SIGNALING_…). */
export interface SignalingSettings {
  /** How control planes know this data plane. */
  dataplaneId: string
  /** The DID of the participant that this data plane works for; without it no refresh tokens are given out. */
  participantId?: string
  /** What is accepted as a transfer profile. */
  profiles: string[]
  /** How long an access token is good that can be renewed, and one that can't. */
  tokenSeconds: number
  finalTokenSeconds: number
  /** Called where a request names no control plane and none is registered. */
  controlPlane?: ControlPlane
  /** Where this data plane registers itself when it starts. */
  registration?: RegistrationSettings
}

export interface RegistrationSettings {
  /** The whole address for the PUT. */
  url: string
  headers: Record<string, string>
  /** This data plane's own address as it is registered. */
  endpoint: string
  labels: string[]
  authorization?: Record<string, unknown>
}
