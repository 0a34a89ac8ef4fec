import type { Request, Response } from 'express'
import type { Job } from '../../job/job.ts'
import { invalid } from '../../util/errors.ts'
import type { HttpOptions } from '../options.ts'
import { clientDisconnect } from '../server/client-disconnect.ts'
import type { Services } from '../services.ts'

/** Seconds, where the settings give none. */
export const defaultLongest = 50

/**
 * Waits until a job is final, for the seconds in the query's `wait` or in `Prefer: wait=N` (RFC
 * 7240, section 4.3), which is answered with Preference-Applied; at most WAIT_MAX_SECONDS, since
 * proxies cut silent connections. Undefined if the caller does not wait, or the job is unknown or
 * deleted.
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
  return await jobs.waitForFinal(uuid, seconds * 1000, AbortSignal.any([clientDisconnect(res), shutdown]))
}

/** Seconds to wait; 0 if the caller does not wait. Throws a Problem that names `wait`. */
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

/** The first `wait` of a Prefer header; a malformed one is ignored (RFC 7240, section 2). */
export function preferredWait(header: string | undefined): number | undefined {
  const found = /(?:^|,)\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i.exec(header ?? '')
  return found?.[1] === undefined ? undefined : Number(found[1])
}
