import type { Response } from 'express'
import { Problem } from '../../util/errors.ts'

/**
 * Most results that are sent at once: a slow reader of a tar holds up to 1 MiB of a pod's 512 MiB.
 */
export interface DownloadLimits {
  all: number
  /** To the readers with one token of API_TOKENS. */
  perToken: number
  /** To the readers with one grant. */
  perGrant: number
  /** To the readers with any grant: owners of results always keep the rest. */
  perAllGrants: number
}

/** The default limits: with one token alone there is no other token to keep slots for. */
export function downloadLimits(all: number, tokens: number): DownloadLimits {
  return {
    all,
    perToken: tokens > 1 ? Math.ceil((all * 2) / 3) : all,
    perGrant: Math.ceil(all / 6),
    perAllGrants: Math.ceil(all / 2),
  }
}

/**
 * Limits the answers with results sent at once, since a slow reader can hold memory for any time.
 * Each token has a share, a grant a smaller one.
 */
export class Downloads {
  readonly #limits: DownloadLimits
  readonly #taken = new Map<string, number>()

  constructor(limits: DownloadLimits) {
    this.#limits = limits
  }

  /** Counts `res` until it is closed; throws Problem `busy` (503) if a maximum is reached. */
  begin(res: Response): void {
    const counts = countsFor(res, this.#limits)
    for (const { holder, most, whose } of counts) {
      if ((this.#taken.get(holder) ?? 0) < most) continue
      const detail = `${most} results are being sent${whose}, the maximum at once; try again when one is finished`
      throw new Problem('busy', detail)
    }
    for (const { holder } of counts) this.#taken.set(holder, (this.#taken.get(holder) ?? 0) + 1)
    res.once('close', () => {
      for (const { holder } of counts) this.#give(holder)
    })
  }

  #give(holder: string): void {
    const left = (this.#taken.get(holder) ?? 1) - 1
    if (left > 0) this.#taken.set(holder, left)
    else this.#taken.delete(holder)
  }
}

interface Count {
  holder: string
  most: number
  whose: string
}

function countsFor({ locals }: Response, limits: DownloadLimits): Count[] {
  const all = { holder: 'all', most: limits.all, whose: '' }
  const { grant, token } = locals
  if (typeof grant === 'string') {
    const own = { holder: `grant ${grant}`, most: limits.perGrant, whose: ' to readers with this grant' }
    const grants = { holder: 'grants', most: limits.perAllGrants, whose: ' to readers with a grant' }
    return [own, grants, all]
  }
  if (typeof token !== 'string') return [all]
  return [{ holder: `token ${token}`, most: limits.perToken, whose: ' to readers with this token' }, all]
}
