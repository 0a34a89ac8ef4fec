import { EventEmitter } from 'node:events'

/** Who is to hear of a job's changes, by the job or of all. */
export class Changes {
  readonly #ofOne = new EventEmitter().setMaxListeners(0)
  readonly #ofAny = new Set<(uuid: string) => void>()

  /** Returns what ends it. */
  on(uuid: string, listener: () => void): () => void {
    this.#ofOne.on(uuid, listener)
    return () => this.#ofOne.off(uuid, listener)
  }

  onAny(listener: (uuid: string) => void): () => void {
    this.#ofAny.add(listener)
    return () => this.#ofAny.delete(listener)
  }

  emit(uuid: string): void {
    this.#ofOne.emit(uuid)
    for (const listener of this.#ofAny) listener(uuid)
  }

  /** Whoever waits for one looks again. */
  wakeAll(): void {
    for (const uuid of this.#ofOne.eventNames()) this.#ofOne.emit(uuid)
  }
}
