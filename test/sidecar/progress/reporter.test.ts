import { afterEach, beforeEach, expect, it } from 'vitest'
import { Reporter } from '../../../sidecar/progress/reporter.ts'
import { UploadProgress } from '../../../sidecar/progress/upload-progress.ts'
import type { Obstacle } from '../../../sidecar/store/obstacle.ts'
import type { Trouble } from '../../../sidecar/store/store-calls.ts'
import type { Log } from '../../../src/util/log.ts'
import { type ManualClock, manualClock } from '../../support/time/manual-clock.ts'

interface Line {
  reason?: string
  message: string
}

let lines: Line[]
let trouble: Trouble
let progress: UploadProgress
let reporter: Reporter
let clock: ManualClock

beforeEach(() => {
  clock = manualClock()
  lines = []
  trouble = { failingMs: 0, againMs: 0, waitingMs: 0 }
  progress = new UploadProgress()
  const log = { info: (line: Line) => lines.push(line), warn: (line: Line) => lines.push(line) }
  reporter = new Reporter(
    {
      progress,
      trouble: () => trouble,
      obstacle: () => undefined,
      countAll: () => Promise.resolve({ files: 2000, bytes: 34e6 }),
      log: log as Partial<Log> as Log,
    },
    clock,
  )
})
afterEach(() => {
  reporter.end()
  expect(clock.pending).toBe(0)
})

const refused: Obstacle = { reason: 'StoreUnavailable', message: "the store s3 http://x doesn't answer" }
const seconds = (count: number) => clock.advance(count * 1000)

it('logs nothing before storing without an obstacle, nor while a short storing lasts', async () => {
  await seconds(3600)
  reporter.storing()
  await seconds(3)
  expect(lines).toEqual([])
})

it('logs the progress of a longer storing, every 5 s at first and every 30 s in the end', async () => {
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

it('counts a file that can’t be stored neither as stored nor as to be stored, and says so', async () => {
  reporter.storing()
  progress.fileDone(10e6)
  progress.fileLeftOut(14e6)
  await seconds(60)
  expect(lines.at(-1)).toMatchObject({
    message: "1 of 1,999 files, 10 of 20 MB stored (besides, 1 file of 14 MB can't be stored)",
    progress: { files: 1, bytes: 10e6, total_files: 1999, total_bytes: 20e6 },
  })
})

it('logs an obstacle at once, with its age and the next attempt, and its end', async () => {
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

it('logs that an answer has been awaited for long', async () => {
  reporter.storing()
  trouble = { failingMs: 0, againMs: 0, waitingMs: 20_000 }
  await seconds(5)
  expect(lines.at(-1)?.message).toMatch(/stored.*; no answer from the store for 20 s$/)
})
