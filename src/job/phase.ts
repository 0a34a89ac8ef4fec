import { type Phase, phaseOf, type State } from './job.ts'
import type { Observation } from './state/observation.ts'

/**
 * The phase of a live job. A job that waits for another attempt stays `running`: `before` is the
 * phase it was last seen in, and the observation says so to a process that didn't see it. A failed
 * attempt counts as one that ran, since no backend tells whether its worker had started.
 */
export function livePhase(state: State, observation: Observation, before: Phase | undefined): Phase {
  const phase = phaseOf(state)
  return phase === 'queued' && (before === 'running' || hasRun(observation)) ? 'running' : phase
}

function hasRun({ attempt, failedAttempts, disruptions = [] }: Observation): boolean {
  return (
    failedAttempts > 0 ||
    attempt?.worker.startedAt !== undefined ||
    disruptions.some(({ started }) => started)
  )
}
