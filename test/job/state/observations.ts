import type { Attempt, Disruption, Observation, Stored } from '../../../src/job/state/observation.ts'
import { assess } from '../../../src/job/state/state.ts'
import type { ManifestHead } from '../../../src/result-format/manifest/manifest.ts'
import { defined } from '../../../src/util/objects.ts'
import { attempt as attemptOf } from '../../support/api/attempt.ts'

export const second = 1000

export const created = Date.parse('2026-01-01T00:00:00Z')

/** The worker's end as Kubernetes gives it: in whole seconds. */
export const finished = created + 60 * second

export function outcome(seen: Attempt, stored: Stored | undefined) {
  return assess(observation({ attempt: seen }), stored, 0)
}

export function stateOf(seen: Attempt) {
  return outcome(seen, undefined).state
}

export function observation(changes: Partial<Observation> = {}): Observation {
  return { createdAt: created, suspended: false, failedAttempts: 0, ...changes }
}

/** An attempt whose worker exited 0. */
export function attempt(changes: Partial<Attempt> = {}): Attempt {
  return attemptOf({ startedAt: created, finishedAt: finished, exitCode: 0 }, changes)
}

export function disruption(uid: string, number: number): Disruption {
  return { attempt: uid, number, started: true, reason: 'Evicted', message: 'drained', at: finished }
}

export function canceled(at: number) {
  return { outcome: 'canceled' as const, cause: { reason: 'Canceled' as const, message: 'by request' }, at }
}

export function head(
  changes: { scan?: number; stopSeen?: boolean; errors?: number; checkpoint?: number } = {},
): ManifestHead {
  const scan = changes.scan ?? finished + 2 * second
  return {
    version: 1,
    job: 'j',
    attempt: 'a',
    scan_started_at: new Date(scan).toISOString(),
    ...(changes.stopSeen && { stop_seen_at: new Date(finished - second).toISOString() }),
    count: 1,
    bytes: 5,
    errors: changes.errors ?? 0,
    ...defined({ checkpoint: changes.checkpoint }),
  }
}
