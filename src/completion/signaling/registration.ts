import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { Outgoing } from '../outgoing/outgoing.ts'
import type { SignalingSettings } from './settings.ts'

const firstPause = 1000
const longestPause = 5 * 60_000

export interface RegistrationParts {
  settings: SignalingSettings
  outgoing: Pick<Outgoing, 'send'>
  log: Log
}

/**
 * Registers this data plane at its control plane (`PUT …/dataplanes`), where the settings say so: tried again after
 * growing pauses until it succeeds or the signal is aborted. Every replica does; a registration replaces the one before.
 */
export async function registerDataPlane(parts: RegistrationParts, signal: AbortSignal): Promise<void> {
  const { settings, log } = parts
  const url = settings.registration?.url
  for (
    let pause = firstPause;
    url !== undefined && !signal.aborted;
    pause = Math.min(longestPause, pause * 2)
  ) {
    try {
      await register(parts, signal)
      log.info({ url }, 'registered at the control plane')
      return
    } catch (error) {
      if (signal.aborted) return
      log.warn({ url, error: messageOf(error) }, 'not registered at the control plane yet; trying again')
    }
    await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined)
  }
}

async function register({ settings, outgoing }: RegistrationParts, signal: AbortSignal): Promise<void> {
  const { registration } = settings
  if (registration === undefined) return
  const { url, headers } = registration
  const body = JSON.stringify(registrationMessage(settings))
  const answer = await outgoing.send({
    method: 'PUT',
    url,
    headers: { ...headers, 'content-type': 'application/json' },
    body,
    trusted: true,
    signal,
  })
  if (answer.status >= 200 && answer.status < 300) return
  throw new Error(`it answered ${answer.status}: ${answer.body.toString('utf8').slice(0, 300)}`)
}

/** A DataPlaneRegistrationMessage. */
export function registrationMessage(settings: SignalingSettings): Record<string, unknown> {
  const { dataplaneId, profiles, registration } = settings
  return {
    dataplaneId,
    endpoint: registration?.endpoint,
    profiles,
    // As connectors 0.16 to 0.18 name them.
    transferTypes: profiles,
    labels: registration?.labels,
    ...(registration?.authorization && { authorization: registration.authorization }),
  }
}
