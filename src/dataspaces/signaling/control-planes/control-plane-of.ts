import { defined } from '../../../util/objects.ts'
import type { Flow } from '../flows/flow.ts'
import type { ControlPlane } from './control-planes.ts'

/** A flow's control plane: its address and the authorization for calls to it. */
export interface Called {
  /** Base URL of its signaling API, without a trailing slash. */
  endpoint: string
  /** The authorization of a known control plane at the same origin; else absent. */
  authorization?: ControlPlane['authorization']
  /** True if the address comes from the settings. */
  trusted: boolean
}

/**
 * A flow's control plane: the address in its request, else the registered control plane that began
 * it or is the only one, else the configured one; undefined if there is none. Callers choose the
 * address in a request, so it gets only the credentials of a known control plane at the same
 * origin.
 */
export function controlPlaneOf(
  flow: Pick<Flow, 'callback_address' | 'control_plane'>,
  registered: readonly ControlPlane[],
  configured: ControlPlane | undefined,
): Called | undefined {
  if (flow.callback_address !== undefined) {
    const endpoint = flow.callback_address.replace(/\/+$/, '')
    const all = configured === undefined ? registered : [...registered, configured]
    const known = all.find((one) => new URL(one.endpoint).origin === new URL(endpoint).origin)
    return { ...(known && calledOf(known)), endpoint, trusted: known?.trusted ?? false }
  }
  const own = registered.find(({ id }) => id === flow.control_plane)
  const only = registered.length === 1 ? registered[0] : undefined
  const chosen = own ?? only ?? configured
  return chosen && calledOf(chosen)
}

function calledOf({ endpoint, authorization, trusted }: ControlPlane): Called {
  return { endpoint, trusted, ...defined({ authorization }) }
}
