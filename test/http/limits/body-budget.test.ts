import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { collectBytes } from '../../../src/http/input/body.ts'
import { BodyBudget, BodyCharge, maxTextBytes, openBodyBytes } from '../../../src/http/limits/body-budget.ts'

const mebibyte = 1024 * 1024

function known(budget: BodyBudget): BodyCharge {
  const charge = new BodyCharge(budget)
  charge.admit()
  return charge
}

/** The bytes that are free in a budget, in steps of 1 KiB. */
function free(budget: BodyBudget): number {
  const charge = known(budget)
  let bytes = 0
  try {
    for (;;) {
      charge.add(1024)
      bytes += 1024
    }
  } catch {
    return bytes
  } finally {
    charge.set(0)
  }
}

describe('a body that is collected', () => {
  test('has its bytes, whatever their chunks, and is charged at most twice its length', async () => {
    const content = randomBytes(100_000)
    for (const step of [1, 7, 4096, 100_000]) {
      const chunks = Array.from({ length: Math.ceil(content.length / step) }, (_, n) =>
        content.subarray(n * step, (n + 1) * step),
      )
      const budget = new BodyBudget(mebibyte)
      const collected = await collectBytes(Readable.from(chunks), 'body', known(budget))
      expect(collected.equals(content)).toBe(true)
      expect(mebibyte - free(budget)).toBeLessThanOrEqual(2 * content.length)
    }
  })

  test('may have 1 MiB, and 16 KiB while its caller is unknown', async () => {
    const budget = new BodyBudget(64 * mebibyte)
    for (const [charge, most] of [
      [new BodyCharge(budget), openBodyBytes],
      [known(budget), maxTextBytes],
    ] as const) {
      const whole = await collectBytes(Readable.from([Buffer.alloc(most)]), 'body', charge)
      expect(whole).toHaveLength(most)
      const larger = collectBytes(Readable.from([Buffer.alloc(most), Buffer.alloc(1)]), 'body', charge)
      await expect(larger).rejects.toMatchObject({ code: 'too-large' })
    }
  })

  test('is 503 while others hold the budget, until they give it back', async () => {
    const budget = new BodyBudget(mebibyte)
    const holder = known(budget)
    holder.add(mebibyte - 1024)
    const body = () => Readable.from([Buffer.alloc(5000)])
    await expect(collectBytes(body(), 'body', known(budget))).rejects.toMatchObject({ code: 'busy' })
    holder.set(0)
    expect(await collectBytes(body(), 'body', known(budget))).toHaveLength(5000)
  })
})

test('bodies of unknown callers leave seven eighths of the budget to known ones', () => {
  const budget = new BodyBudget(mebibyte)
  expect(() => {
    for (let n = 0; n < 1024; n += 1) new BodyCharge(budget).add(1024)
  }).toThrow(expect.objectContaining({ code: 'busy' }))
  expect(free(budget)).toBe((mebibyte * 7) / 8)
})
