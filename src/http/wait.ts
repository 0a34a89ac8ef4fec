import type { Request, Response } from 'express'
import { invalid } from '../errors.ts'
import type { Job } from '../job/job.ts'
import { callerGone } from './gone.ts'
import type { HttpOptions } from './options.ts'
import type { Services } from './services.ts'

const defaultLongest = 50

/**
 * Waits until a job is final, as long as the caller wants to: `wait` of the query, or `Prefer: wait=N` (RFC 7240
 * section 4.3), which is then answered with Preference-Applied; never longer than WAIT_MAX_SECONDS, since proxies
 * cut silent connections. Undefined where the caller doesn't want to wait, or where there is no such job (any more).
 */
export async function waitAsAsked(
  req: Request,
  res: Response,
  uuid: string,
  asked: string | undefined,
  { jobs, shutdown }: Pick<Services, 'jobs' | 'shutdown'>,
  options: Pick<HttpOptions, 'waitMaxSeconds'>,
): Promise<Job | undefined> {
  const seconds = waitSeconds(req, res, asked, options)
  if (seconds === 0) return undefined
  return await jobs.waitForFinal(uuid, seconds * 1000, AbortSignal.any([callerGone(res), shutdown]))
}

/** Seconds to wait, 0 where nobody asked for it; rejects with a Problem that names `wait` before anything is done. */
export function waitSeconds(
  req: Request,
  res: Response,
  asked: string | undefined,
  { waitMaxSeconds: longest = defaultLongest }: Pick<HttpOptions, 'waitMaxSeconds'>,
): number {
  if (asked !== undefined) {
    if (/^\d{1,9}$/.test(asked)) return Math.min(Number(asked), longest)
    throw invalid('wait', 'is not allowed', `whole seconds; at most ${longest} are waited`)
  }
  const preferred = preferredWait(req.get('prefer'))
  if (preferred === undefined) return 0
  const seconds = Math.min(preferred, longest)
  res.set('Preference-Applied', `wait=${seconds}`)
  return seconds
}

/** The first `wait` of a Prefer header; what can't be read is no preference (RFC 7240 section 2). */
export function preferredWait(header: string | undefined): number | undefined {
  const found = /(?:^|,)\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i.exec(header ?? '')
  return found?.[1] === undefined ? undefined : Number(found[1])
}
