import { isFinal, type State, states } from './job.ts'

/** What happens to a job, as callbacks and event streams name it. */
export type EventType = `job.${State}`

export const eventTypes: readonly EventType[] = states.map((state) => `job.${state}` as const)

/** What a callback is for unless it is said. */
export const finalEventTypes: readonly EventType[] = states
  .filter(isFinal)
  .map((state) => `job.${state}` as const)
