import { EventEmitter } from 'node:events'

/** Listeners for changes of one job, and of all jobs. */
export class Changes {
  readonly #ofOne = new EventEmitter().setMaxListeners(0)
  readonly #ofAny = new Set<(uuid: string) => void>()

  /** Returns the function that removes the listener. */
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

  /** Calls the listeners of single jobs, so that waiting calls look again. */
  wakeAll(): void {
    for (const uuid of this.#ofOne.eventNames()) this.#ofOne.emit(uuid)
  }
}
