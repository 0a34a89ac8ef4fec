import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { isProcessRunning, parseStat, refOf } from '../../../../src/backends/local/process/process-table.ts'

it('parses a process whose name contains spaces and parentheses', () => {
  const stat =
    '4711 (a) R 1 (b) S 1 4700 4699 0 -1 4194560 1 2 0 0 0 0 0 0 20 0 1 0 987654 2490368 200 18446744073709551615'
  expect(parseStat(stat)).toEqual({ pid: 4711, state: 'S', group: 4700, startTicks: '987654' })
})

it('identifies a process by pid and start until it has ended', async () => {
  const child = spawn('sleep', ['60'])
  const ref = refOf(child.pid ?? 0)
  expect(ref).toBeDefined()
  if (!ref) return
  expect(isProcessRunning(ref)).toBe(true)
  expect(isProcessRunning({ ...ref, started: `${ref.started}1` })).toBe(false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(isProcessRunning(ref)).toBe(false)
})

it('does not take a process as ended if no file can be opened', () => {
  const script = join(import.meta.dirname, 'without-files.ts')
  const command = `ulimit -n 64; exec '${process.execPath}' '${script}' ${process.pid}`
  expect(JSON.parse(execFileSync('sh', ['-c', command], { encoding: 'utf8' }))).toEqual({
    isProcessRunning: 'EMFILE',
    findSupervisor: 'EMFILE',
    killOrphans: false,
  })
})
