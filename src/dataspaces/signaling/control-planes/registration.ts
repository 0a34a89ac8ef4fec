import { setTimeout as sleep } from 'node:timers/promises'
import { backoff } from '../../../util/backoff.ts'
import type { OutgoingCalls } from '../../../util/egress/outgoing-calls.ts'
import { messageOf } from '../../../util/errors.ts'
import type { Log } from '../../../util/log.ts'
import { defined } from '../../../util/objects.ts'
import type { SignalingSettings } from '../signaling-settings.ts'

const retryDelay = backoff({ first: 1000, max: 5 * 60_000 })

export interface RegistrationParts {
  settings: SignalingSettings
  outgoing: Pick<OutgoingCalls, 'send'>
  log: Log
}

/**
 * Registers this data plane at the configured control plane (`PUT …/dataplanes`), with backoff
 * until it succeeds or the signal is aborted. Every replica registers; a registration replaces the
 * one before.
 */
export async function registerDataPlane(parts: RegistrationParts, signal: AbortSignal): Promise<void> {
  const { settings, log } = parts
  const { registerUrl: url } = settings
  for (let attempt = 1; url !== undefined && !signal.aborted; attempt++) {
    try {
      await register(parts, url, signal)
      log.info({ url }, 'this data plane is registered at the control plane')
      return
    } catch (error) {
      if (signal.aborted) return
      log.warn(
        { url, error: messageOf(error) },
        'the registration at the control plane failed; it is tried again',
      )
    }
    await sleep(retryDelay(attempt), undefined, { signal, ref: false }).catch(() => undefined)
  }
}

async function register(
  { settings, outgoing }: RegistrationParts,
  url: string,
  signal: AbortSignal,
): Promise<void> {
  const body = JSON.stringify(registrationMessage(settings))
  const answer = await outgoing.send({
    method: 'PUT',
    url,
    headers: { ...settings.registerHeaders, 'content-type': 'application/json' },
    body,
    trusted: true,
    signal,
  })
  if (answer.status >= 200 && answer.status < 300) return
  throw new Error(`it answered ${answer.status}: ${answer.body.toString('utf8').slice(0, 300)}`)
}

/** A DataPlaneRegistrationMessage. */
export function registrationMessage(settings: SignalingSettings): Record<string, unknown> {
  const { dataplaneId, profiles, endpoint, labels, authorization } = settings
  return {
    dataplaneId,
    endpoint,
    profiles,
    // As connectors 0.16 to 0.18 name them.
    transferTypes: profiles,
    labels,
    ...defined({ authorization }),
  }
}
