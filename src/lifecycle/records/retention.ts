import type { FinalRecord } from './final-record.ts'

const minute = 60_000
export const day = 86_400_000

/**
 * When the janitor inspects a finished job, in milliseconds since the epoch, in order: a minute
 * after its end, when nothing of it writes any more; a day after it, for late objects from an
 * uploader on a lost node; when its result expires; and a week after that, when its record is
 * removed, too.
 */
export function inspectionTimes(record: TimesOfRecord): number[] {
  const endedAt = Date.parse(record.ended_at)
  const expiry = [expiryOf(record), forgottenAt(record)].filter((at) => at !== undefined)
  return [endedAt + minute, endedAt + day, ...expiry].sort((a, b) => a - b)
}

/** The first inspection after `now`; undefined if there is none any more. */
export function nextInspection(record: TimesOfRecord, now: number): number | undefined {
  return inspectionTimes(record).find((at) => at > now)
}

/** What an inspection at `now` finds. */
export function stageOf(record: TimesOfRecord, now: number): 'kept' | 'expired' | 'forgotten' {
  const last = forgottenAt(record)
  if (last !== undefined && now >= last) return 'forgotten'
  return isExpired(record, now) ? 'expired' : 'kept'
}

export function isExpired(record: Pick<FinalRecord, 'expires_at'>, now: number): boolean {
  const expiresAt = expiryOf(record)
  return expiresAt !== undefined && now >= expiresAt
}

type TimesOfRecord = Pick<FinalRecord, 'ended_at' | 'expires_at'>

function expiryOf({ expires_at: at }: Pick<FinalRecord, 'expires_at'>): number | undefined {
  return at === undefined ? undefined : Date.parse(at)
}

function forgottenAt(record: Pick<FinalRecord, 'expires_at'>): number | undefined {
  const expiresAt = expiryOf(record)
  return expiresAt === undefined ? undefined : expiresAt + 7 * day
}
