import type { ControlPlane } from './control-planes.ts'
import type { Flow } from './flow.ts'

/** Where a control plane is called for a flow. */
export interface Called {
  /** The base of its signaling API, without a slash at the end. */
  endpoint: string
  /** With what: only of a control plane that is known at this very origin. */
  authorization?: ControlPlane['authorization']
  /** The address stands in the settings. */
  trusted: boolean
}

/**
 * A flow's control plane: the address in its request, else the registered one that began it or is the only one, else
 * the configured one. Undefined where none of these is there. An address of a request gets the credentials of a known
 * control plane at the same origin, and no others: whoever calls chooses it.
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
  return { endpoint, trusted, ...(authorization && { authorization }) }
}
