import type { BigIntStats } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fingerprint } from '../../../sidecar/scan/entry-of.ts'
import { type SendDecision, selectSettled } from '../../../sidecar/while-running/select-settled-files.ts'

const now = 1_800_000_000_000
const seconds = 1000

/** A file's stat whose times lie that many milliseconds before `now`. */
function stat(changedAgo: number, modifiedAgo = changedAgo, size = 5): BigIntStats {
  const at = (ago: number) => BigInt(now - ago) * 1_000_000n
  return { size: BigInt(size), ino: 7n, ctimeNs: at(changedAgo), mtimeNs: at(modifiedAgo) } as BigIntStats
}

const known = (of: BigIntStats, verify = false) => ({
  fingerprint: fingerprint(of),
  ...(verify && { verify: true as const }),
})
const wait = (milliseconds: number): SendDecision => ({ send: false, settledAt: now + milliseconds })
const never: SendDecision = { send: false }
const old = stat(600 * seconds)

describe('a file of a worker that runs', () => {
  it.each<
    [
      what: string,
      stat: BigIntStats,
      known: ReturnType<typeof known> | undefined,
      again: number,
      SendDecision,
    ]
  >([
    ['just written', stat(0), undefined, 0, wait(500)],
    ['written a moment ago', stat(300), undefined, 0, wait(200)],
    ['at rest for half a second', stat(500), undefined, 0, { send: true, why: 'new' }],
    ['with an mtime set back, changed just now', stat(0, 9000 * seconds), undefined, 0, wait(500)],
    ['with an mtime in the future', stat(3000, -9000 * seconds), undefined, 0, { send: true, why: 'new' }],
    ['with a ctime in the future', stat(-5000), undefined, 0, wait(5500)],
    ['sent and unchanged', old, known(old), 0, never],
    ['sent and changed', stat(500), known(old), 0, { send: true, why: 'changed' }],
    [
      'sent and changed in size alone',
      stat(600 * seconds, 600 * seconds, 6),
      known(old),
      0,
      { send: true, why: 'changed' },
    ],
    [
      'sent and changed, its mtime set back',
      stat(500, 600 * seconds),
      known(old),
      0,
      { send: true, why: 'changed' },
    ],
    ['sent again once, at rest for a second', stat(1000), known(old), 1, wait(3000)],
    ['sent again once, at rest for four', stat(4000), known(old), 1, { send: true, why: 'changed' }],
    ['sent again twice, at rest for four', stat(4000), known(old), 2, wait(28_000)],
    ['sent again three times', stat(3600 * seconds), known(old), 3, never],
    ['given up three times while it was read', stat(3600 * seconds), undefined, 3, never],
    ['sent while its times could still deceive', stat(10_000), known(stat(10_000), true), 0, wait(55_000)],
    ['sent then, a minute ago', stat(65_000), known(stat(65_000), true), 0, { send: true, why: 'verify' }],
  ])('%s', (_what, facts, line, again, choice) => {
    expect(selectSettled(facts, line, { now, again, timesCanBeTrusted: true })).toEqual(choice)
  })

  it('is compared only at the end where times tell nothing', () => {
    const facts = stat(65_000)
    expect(selectSettled(facts, known(facts, true), { now, again: 0, timesCanBeTrusted: false })).toEqual(
      never,
    )
  })
})
