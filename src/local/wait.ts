/** Something that happens once; `happened` never rejects. */
export class Latch {
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

/** More makes Node's timers fire at once. */
export const longestTimer = 2 ** 31 - 1

/** Waits for the first of the promises, at most `milliseconds`; whether one of them came in time. */
export async function within(milliseconds: number, ...promises: Promise<unknown>[]): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>()
  const timer = setTimeout(() => resolve(false), Math.min(Math.max(milliseconds, 0), longestTimer))
  try {
    return await Promise.race([late, ...promises.map((promise) => promise.then(() => true))])
  } finally {
    clearTimeout(timer)
  }
}
