import type { Leadership } from '../../src/job/leadership.ts'

/** One replica's leadership, which a test changes with set(). */
export function leadershipOf(leads: boolean): Leadership & { set(now: boolean): void } {
  const listeners = new Set<(isLeader: boolean) => void>()
  return {
    isLeader: () => leads,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    set(now) {
      leads = now
      for (const listener of listeners) listener(now)
    },
  }
}
