/** An event that happens at most once; `happened` never rejects. */
export class OneShotEvent {
  readonly happened: Promise<void>
  readonly #resolve: () => void
  #isSet = false

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.happened = promise
    this.#resolve = resolve
  }

  get isSet(): boolean {
    return this.#isSet
  }

  set(): void {
    this.#isSet = true
    this.#resolve()
  }
}
