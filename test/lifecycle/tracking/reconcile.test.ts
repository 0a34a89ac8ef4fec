import { describe, expect, it } from 'vitest'
import type { LiveJob } from '../../../src/job/backend.ts'
import type { Observation } from '../../../src/job/state/observation.ts'
import type { Duty, DutyProgress, KnownJob, Lookup } from '../../../src/lifecycle/tracking/known-job.ts'
import type { Situation } from '../../../src/lifecycle/tracking/plan.ts'
import { reconcile } from '../../../src/lifecycle/tracking/reconcile.ts'
import { attempt } from '../../support/api/attempt.ts'
import { liveJob } from './setup.ts'

const now = 1_000_000_000
const leader: Situation = { now, isLeader: true, isCurrent: true }
const follower: Situation = { ...leader, isLeader: false }
const deleted = { outcome: 'deleted', at: now - 1000, cause: { reason: 'Canceled', message: '' } } as const

describe('a job that is storing', () => {
  const worker = { startedAt: now - 9000, finishedAt: now - 5000, exitCode: 0 }
  const storing = job({ attempt: attempt(worker) })
  const asked: Lookup = {
    nextAt: now + 50,
    attempt: 'a',
    answered: true,
    ended: false,
    uploaderEnded: false,
    settles: false,
  }

  it('is looked up in the store at once, by the leader and by others', () => {
    for (const situation of [leader, follower]) {
      expect(duties(reconcile(undefined, storing, situation))).toEqual(['look-up'])
    }
  })

  it('is looked up again when its time has come, and not while a lookup runs', () => {
    const before = known(storing, { storing: { since: now - 5000, lastLookup: asked } })
    expect(reconcile(before, storing, follower)).toMatchObject({ actions: [], lookAgainAt: now + 50 })
    expect(duties(reconcile(before, storing, { ...follower, now: now + 50 }))).toEqual(['look-up'])
    const running = { ...before, progress: { 'look-up': progress('running') } }
    expect(duties(reconcile(running, storing, { ...follower, now: now + 50 }))).toEqual([])
  })

  it('is looked up at once when it ends, and when this process becomes the leader after that', () => {
    const ended = job({ attempt: attempt(worker, { ended: true }), ended: { at: now } })
    const before = known(ended, { storing: { since: now - 5000, lastLookup: asked } })
    expect(duties(reconcile(before, ended, follower))).toEqual(['look-up'])
    const asFollower = { ...before, storing: { since: now - 5000, lastLookup: { ...asked, ended: true } } }
    expect(duties(reconcile(asFollower, ended, follower))).toEqual([])
    expect(duties(reconcile(asFollower, ended, leader))).toEqual(['look-up'])
  })

  it('is rescued by the leader once the store had no manifest of an uploader that has ended', () => {
    const over = job({ attempt: attempt(worker, { ended: true }), rescue: { state: 'possible' } })
    const lastLookup = { ...asked, uploaderEnded: true }
    const before = known(over, { storing: { since: now - 5000, lastLookup } })
    expect(duties(reconcile(before, over, leader))).toEqual(['rescue'])
    expect(duties(reconcile(before, over, follower))).toEqual([])
    const unanswered = { since: now - 5000, lastLookup: { ...lastLookup, answered: false } }
    expect(duties(reconcile({ ...before, storing: unanswered }, over, leader))).toEqual([])
  })
})

describe('a job that has ended', () => {
  const ended = job({ ended: { at: now - 1000 } })
  const answered = known(ended, { stored: { attempt: undefined, results: 'none' } })
  const final = reconcile(answered, ended, follower).known

  it('is archived by the leader, and its consumers are notified beside that', () => {
    expect(duties(reconcile(final, ended, leader))).toEqual(['notify-end', 'archive'])
    expect(duties(reconcile(final, ended, follower))).toEqual([])
  })

  it.each([
    ['archived and its consumers notified', ['archive', 'notify-end'], ['release']],
    ['archived', ['archive'], ['notify-end']],
    ['released', ['archive', 'notify-end', 'release'], []],
  ] as const)('that is %s already, has only the rest done', (_, done, rest) => {
    expect(duties(reconcile(withDone(final, ...done), ended, leader))).toEqual(rest)
  })

  it('is not archived as long as another attempt of it is being removed', () => {
    const lingering = job({ ...ended.observation, lingering: true })
    expect(duties(reconcile(final, lingering, leader))).toEqual(['notify-end'])
  })

  it('waits for the end of a backoff', () => {
    const failed = {
      ...final,
      progress: { 'notify-end': progress('done'), archive: progress('idle', now + 250) },
    }
    expect(reconcile(failed, ended, leader)).toMatchObject({ actions: [], lookAgainAt: now + 250 })
    expect(duties(reconcile(failed, ended, { ...leader, now: now + 250 }))).toEqual(['archive'])
  })

  it('is stopped, before anything else, when its backend starts another attempt', () => {
    const repeated = job({ attempt: attempt({}, { uid: 'b', number: 2 }) })
    expect(duties(reconcile(final, repeated, leader))).toEqual(['notify-end', 'stop'])
  })

  it('keeps its state when its Job is deleted afterwards', () => {
    const gone = job({ ...ended.observation, deletedAt: now })
    expect(reconcile(final, gone, leader).known.assessment).toEqual(final.assessment)
  })
})

describe('a job that is deleted', () => {
  const running = job({ stop: deleted, attempt: attempt({ startedAt: now - 5000 }) })
  const ended = job({ stop: deleted, attempt: attempt({ startedAt: now - 5000 }, { ended: true }) })

  it('has its uploader told, and is removed once it has ended and its consumers are notified', () => {
    const { known: before, actions } = reconcile(undefined, running, leader)
    expect(duties({ actions })).toEqual(['announce-stop'])
    expect(duties(reconcile(before, ended, leader))).toEqual(['notify-end'])
    expect(duties(reconcile(withDone(before, 'notify-end'), ended, leader))).toEqual(['remove'])
  })

  it.each(['announce-stop', 'look-up', 'archive'] as const)('is not removed while %s runs', (duty) => {
    const { known: before } = reconcile(undefined, ended, leader)
    const busy = withDone(before, 'notify-end')
    const progressing = { ...busy, progress: { ...busy.progress, [duty]: progress('running') } }
    expect(duties(reconcile(progressing, ended, leader))).toEqual([])
  })
})

describe('a Job whose deletion is overdue', () => {
  const { stop_grace_seconds: grace } = job({}).request
  const overdue = job({ deletedAt: now - grace * 1000 - 60_000 })

  it('gives the store 15 s from when the leader first sees it, and is then let go', () => {
    const first = reconcile(undefined, overdue, leader)
    expect(duties(first)).not.toContain('let-go')
    expect(first.lookAgainAt).toBeLessThanOrEqual(now + 15_000)
    expect(duties(reconcile(first.known, overdue, { ...leader, now: now + 15_000 }))).toContain('let-go')
  })

  it('is let go at once when the store has failed already', () => {
    const { known: before } = reconcile(undefined, overdue, leader)
    const failing = { ...before, progress: { 'look-up': { ...progress('idle'), failures: 1 } } }
    expect(duties(reconcile(failing, overdue, leader))).toContain('let-go')
  })
})

function job(seen: Partial<Observation>): LiveJob {
  return { ...liveJob({ createdAt: now - 10_000, ...seen }), uuid: '11111111-1111-4111-8111-111111111111' }
}

/** What is known of a job after it was first seen, with changes. */
function known(live: LiveJob, changes: Partial<KnownJob>): KnownJob {
  return { ...reconcile(undefined, live, follower).known, ...changes }
}

function withDone(before: KnownJob, ...done: readonly Duty[]): KnownJob {
  return { ...before, progress: Object.fromEntries(done.map((duty) => [duty, progress('done')])) }
}

function progress(state: DutyProgress['state'], notBefore = 0): DutyProgress {
  return { state, failures: 0, notBefore }
}

function duties({ actions }: Pick<ReturnType<typeof reconcile>, 'actions'>): Duty[] {
  return actions.map(({ duty }) => duty)
}
