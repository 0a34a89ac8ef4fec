import { isFinal, type State, states } from './job.ts'

/** A job's change, as callbacks and event streams name it. */
export type EventType = `job.${State}`

export const eventTypes: readonly EventType[] = states.map((state) => `job.${state}` as const)

/** The event types of a callback whose request names none. */
export const finalEventTypes: readonly EventType[] = states
  .filter(isFinal)
  .map((state) => `job.${state}` as const)
