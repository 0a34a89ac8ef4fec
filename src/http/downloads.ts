import type { ServerResponse } from 'node:http'
import { Problem } from '../errors.ts'

/** Keeps count of the answers with results that are being sent: a slow reader holds memory for as long as it likes. */
export class Downloads {
  readonly #most: number
  #now = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Counts `res` until it is closed; throws `busy` (503) where it would be one too many. */
  begin(res: ServerResponse): void {
    if (this.#now >= this.#most) {
      const detail = `${this.#most} results are being sent, which is the most at once; ask again when some are done`
      throw new Problem('busy', detail)
    }
    this.#now += 1
    res.once('close', () => {
      this.#now -= 1
    })
  }
}
