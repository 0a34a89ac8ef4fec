import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Progress } from '../../../sidecar/progress/progress.ts'
import { Reporter } from '../../../sidecar/progress/reporter.ts'
import type { Obstacle } from '../../../sidecar/store/obstacle.ts'
import type { Trouble } from '../../../sidecar/store/store-calls.ts'
import type { Log } from '../../../src/log.ts'

interface Line {
  reason?: string
  message: string
}

let lines: Line[]
let trouble: Trouble
let progress: Progress
let reporter: Reporter

beforeEach(() => {
  vi.useFakeTimers()
  lines = []
  trouble = { failingMs: 0, againMs: 0, waitingMs: 0 }
  progress = new Progress()
  const log = { info: (line: Line) => lines.push(line), warn: (line: Line) => lines.push(line) }
  reporter = new Reporter({
    progress,
    trouble: () => trouble,
    obstacle: () => undefined,
    countAll: () => Promise.resolve({ files: 2000, bytes: 34e6 }),
    log: log as Partial<Log> as Log,
  })
})
afterEach(() => {
  reporter.end()
  vi.useRealTimers()
})

const refused: Obstacle = { reason: 'StoreUnavailable', message: "the store s3 http://x doesn't answer" }
const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1000)

it('says nothing while nothing is stored and nothing is in the way, nor of a short storing', async () => {
  await seconds(3600)
  reporter.storing()
  await seconds(3)
  expect(lines).toEqual([])
})

it('says how far a longer storing is, every 5 s at first and every 30 s in the end', async () => {
  reporter.storing()
  for (let file = 0; file < 1234; file++) progress.fileDone(10_000)
  await seconds(60)
  expect(lines.at(-1)?.message).toBe('1,234 of 2,000 files, 12 of 34 MB stored')
  expect(lines.length).toBeGreaterThan(9)
  expect(lines.length).toBeLessThan(14)
  await seconds(3600)
  const before = lines.length
  await seconds(300)
  expect(lines.length - before).toBe(10)
})

it('says at once what is in the way, since when and until when, and that it is over', async () => {
  reporter.storing()
  trouble = { obstacle: refused, failingMs: 12_300, againMs: 2900, waitingMs: 0 }
  await seconds(1)
  expect(lines).toMatchObject([
    {
      reason: 'StoreUnavailable',
      message:
        "0 files, 0 MB stored so far; the store s3 http://x doesn't answer; for 12 s now, tried again in 3 s",
    },
  ])
  trouble = { failingMs: 0, againMs: 0, waitingMs: 0 }
  await seconds(1)
  expect(lines.at(-1)).not.toHaveProperty('reason')
})

it('says that an answer is awaited for long', async () => {
  reporter.storing()
  trouble = { failingMs: 0, againMs: 0, waitingMs: 20_000 }
  await seconds(5)
  expect(lines.at(-1)?.message).toMatch(/stored.*; no answer from the store for 20 s$/)
})
