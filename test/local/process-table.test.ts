import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { isRunning, parseStat, refOf } from '../../src/local/process-table.ts'

it('reads a process whose name holds spaces and parentheses', () => {
  const stat =
    '4711 (a) R 1 (b) S 1 4700 4699 0 -1 4194560 1 2 0 0 0 0 0 0 20 0 1 0 987654 2490368 200 18446744073709551615'
  expect(parseStat(stat)).toEqual({ pid: 4711, state: 'S', group: 4700, startTicks: '987654' })
})

it('knows a process by its pid and its start, and no longer when it has ended', async () => {
  const child = spawn('sleep', ['60'])
  const ref = refOf(child.pid ?? 0)
  expect(ref).toBeDefined()
  if (!ref) return
  expect(isRunning(ref)).toBe(true)
  expect(isRunning({ ...ref, started: `${ref.started}1` })).toBe(false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(isRunning(ref)).toBe(false)
})
