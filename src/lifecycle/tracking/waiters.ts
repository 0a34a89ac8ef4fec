/** Which live jobs wait for which others; made anew from the backend at each start. */
export class Waiters {
  readonly #awaitedBy = new Map<string, Set<string>>()
  readonly #awaited = new Map<string, readonly string[]>()

  /** The jobs that `uuid` waits for from now on; undefined or empty: for none. */
  set(uuid: string, jobs: readonly string[] = []): void {
    const before = this.#awaited.get(uuid) ?? []
    if (jobs === before || (jobs.length === 0 && before.length === 0)) return
    for (const one of before) {
      const waiters = this.#awaitedBy.get(one)
      waiters?.delete(uuid)
      if (waiters?.size === 0) this.#awaitedBy.delete(one)
    }
    if (jobs.length === 0) this.#awaited.delete(uuid)
    else this.#awaited.set(uuid, jobs)
    for (const one of jobs) {
      const waiters = this.#awaitedBy.get(one)
      if (waiters) waiters.add(uuid)
      else this.#awaitedBy.set(one, new Set([uuid]))
    }
  }

  /** The jobs that wait for it. */
  of(uuid: string): string[] {
    return [...(this.#awaitedBy.get(uuid) ?? [])]
  }
}
