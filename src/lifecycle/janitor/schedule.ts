import type { JobRecord } from '../records.ts'

const minute = 60_000
export const day = 86_400_000

/**
 * When the janitor looks at a finished job, in milliseconds since the epoch, in order: a minute after its end, when
 * nothing of it writes any more; a day after it, for what an uploader on a lost node brought late; when its result
 * expires; and a week after that, when its record goes too.
 */
export function looksOf(record: TimesOfRecord): number[] {
  const endedAt = Date.parse(record.ended_at)
  const expiry = [expiryOf(record), forgottenAt(record)].filter((at) => at !== undefined)
  return [endedAt + minute, endedAt + day, ...expiry].sort((a, b) => a - b)
}

/** The first look behind `now`; undefined where nothing is to be looked for any more. */
export function nextLook(record: TimesOfRecord, now: number): number | undefined {
  return looksOf(record).find((at) => at > now)
}

/** What a look at `now` finds. */
export function stageOf(record: TimesOfRecord, now: number): 'kept' | 'expired' | 'forgotten' {
  const last = forgottenAt(record)
  if (last !== undefined && now >= last) return 'forgotten'
  return isExpired(record, now) ? 'expired' : 'kept'
}

export function isExpired(record: Pick<JobRecord, 'expires_at'>, now: number): boolean {
  const expiresAt = expiryOf(record)
  return expiresAt !== undefined && now >= expiresAt
}

type TimesOfRecord = Pick<JobRecord, 'ended_at' | 'expires_at'>

function expiryOf({ expires_at: at }: Pick<JobRecord, 'expires_at'>): number | undefined {
  return at === undefined ? undefined : Date.parse(at)
}

function forgottenAt(record: Pick<JobRecord, 'expires_at'>): number | undefined {
  const expiresAt = expiryOf(record)
  return expiresAt === undefined ? undefined : expiresAt + 7 * day
}
