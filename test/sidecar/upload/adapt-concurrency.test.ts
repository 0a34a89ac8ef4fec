import { describe, expect, it } from 'vitest'
import { adaptConcurrency } from '../../../sidecar/upload/adapt-concurrency.ts'
import { AdaptiveConcurrency } from '../../../sidecar/upload/adaptive-concurrency.ts'
import { StoreError } from '../../../src/store/store.ts'

describe('the number of small files that are sent at once', () => {
  it.each([
    ['grows while answers come as soon as ever', 16, 10, { meanMs: 10, refused: 0, saturated: true }, 20],
    ['grows to the bound', 60, 10, { meanMs: 10, refused: 0, saturated: true }, 64],
    ['stays where nobody waits', 16, 10, { meanMs: 10, refused: 0, saturated: false }, 16],
    ['stays where answers take twice as long', 16, 10, { meanMs: 25, refused: 0, saturated: true }, 16],
    ['shrinks where they only queue', 32, 10, { meanMs: 60, refused: 0, saturated: true }, 28],
    ['shrinks no further than to eight then', 8, 10, { meanMs: 60, refused: 0, saturated: true }, 8],
    ['is not raised by that from fewer', 3, 10, { meanMs: 60, refused: 0, saturated: true }, 3],
    ['is halved by a refusal', 32, 10, { meanMs: 10, refused: 1, saturated: true }, 16],
    ['never falls below one', 1, 10, { meanMs: Infinity, refused: 1, saturated: true }, 1],
    ['grows again from one', 1, 10, { meanMs: 10, refused: 0, saturated: true }, 2],
    ['grows after a first answer', 16, Infinity, { meanMs: 30, refused: 0, saturated: true }, 20],
  ])('%s', (_, limit, leastMs, round, expected) => {
    expect(adaptConcurrency({ limit, leastMs }, round).limit).toBe(expected)
  })

  it('slowly forgets how fast the store once was', () => {
    let pace = { limit: 8, leastMs: 10 }
    for (let round = 0; round < 120; round += 1)
      pace = adaptConcurrency(pace, { meanMs: 60, refused: 0, saturated: true })
    expect(pace.limit).toBeGreaterThan(8)
  })

  it('is never exceeded, and every task gets its turn', async () => {
    const concurrency = new AdaptiveConcurrency()
    let [inFlight, most, done] = [0, 0, 0]
    await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        concurrency.run(async () => {
          inFlight += 1
          most = Math.max(most, inFlight - concurrency.limit)
          await concurrency
            .timed(async () => {
              await new Promise(setImmediate)
              if (index > 100 && index < 150) throw new StoreError('unavailable', 'SlowDown')
            })
            .catch(() => undefined)
          inFlight -= 1
          done += 1
        }),
      ),
    )
    expect(done).toBe(300)
    // A limit that falls takes nobody's turn away.
    expect(most).toBeLessThanOrEqual(48)
  })
})
