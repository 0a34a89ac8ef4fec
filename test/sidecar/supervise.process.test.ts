import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually } from '../support/time/eventually.ts'

/** Shells that images have as /bin/sh, each program once, as far as this machine has them. */
const shells = [['dash'], ['busybox', 'sh'], ['bash'], ['/bin/sh']].filter(([program = ''], index, all) => {
  const path = pathOf(program)
  return path !== undefined && all.findIndex(([other = '']) => pathOf(other) === path) === index
})

function pathOf(program: string): string | undefined {
  try {
    return execFileSync('sh', ['-c', `readlink -f "$(command -v ${program})"`], { encoding: 'utf8' })
  } catch {
    return undefined
  }
}

interface Supervised {
  process: ChildProcess
  exit: Promise<number | null>
  state: string
  /** Lines of what the program and the supervisor wrote. */
  lines(): string[]
}

/** Starts what is behind it, and ends a second later. */
const mortal = ['sh', '-c', '"$@" & sleep 1', 'sh']

/** Runs a script of Node under the supervisor. */
function supervise(shell: string[], script: string, variables: NodeJS.ProcessEnv = {}): Supervised {
  const root = mkdtempSync(join(tmpdir(), 'jobferry-supervise-'))
  const state = join(root, 'state')
  const [program = '', ...args] = [...shell, 'sidecar/supervise.sh', process.execPath, '-e', script]
  const env = { ...process.env, STATE_DIRECTORY: state, ...variables }
  const supervisor = spawn(program, args, { env, detached: true })
  let output = ''
  for (const stream of [supervisor.stdout, supervisor.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  const exit = once(supervisor, 'exit').then(([code]) => code as number | null)
  onTestFinished(() => {
    try {
      process.kill(-(supervisor.pid ?? 0), 'SIGKILL')
    } catch {
      // It has ended.
    }
    rmSync(root, { recursive: true, force: true })
  })
  return { process: supervisor, exit, state, lines: () => output.trimEnd().split('\n') }
}

const waitForTerm = `process.on('SIGTERM', () => process.exit(0)); console.log(process.pid); setInterval(() => {}, 1000)`

describe.each(shells)('%s %s', (...shell) => {
  const inShell = (script: string, variables?: NodeJS.ProcessEnv) =>
    supervise(
      shell.filter((part) => part !== undefined),
      script,
      variables,
    )

  it.each([0, 3])('ends with the program’s exit code %d', async (code) => {
    expect(await inShell(`process.exit(${code})`).exit).toBe(code)
  })

  it('writes no line of its own into the log when the program ends itself by SIGKILL', async () => {
    const ended = `require('node:path').join(process.env.STATE_DIRECTORY, 'ended')`
    const script = `console.log('stored'); require('node:fs').writeFileSync(${ended}, '0'); process.kill(process.pid, 'SIGKILL')`
    const supervised = inShell(script)
    expect(await supervised.exit).toBe(0)
    await eventually(() => expect(supervised.lines()).toEqual(['stored']))
  })

  it('starts the program again after any other end, with growing delays', async () => {
    const supervised = inShell(`console.log(Date.now()); process.exit(1)`)
    const times = await eventually(() => {
      const found = supervised.lines().filter((line) => /^\d+$/.test(line))
      expect(found.length).toBeGreaterThanOrEqual(6)
      return found.map(Number)
    })
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    // The program's own start counts, too, and may take a while.
    for (const [index, pause] of pauses.slice(0, 5).entries()) {
      expect(pause).toBeGreaterThanOrEqual(100 * 2 ** index)
    }
    expect(supervised.lines()).toContainEqual(expect.stringContaining('"msg":"the uploader ended with 1'))
  })

  const removing = `require('node:fs').rmSync(process.env.STATE_DIRECTORY, { recursive: true, force: true }); process.exit(1)`

  it('does not start it again once its state directory was removed', async () => {
    expect(await inShell(removing).exit).toBe(3)
  })

  it('starts it again in a pod, where an absent state directory means a disk that doesn’t answer', async () => {
    const supervised = inShell(removing, { UPLOADER_PORT: '47100' })
    const starts = () => supervised.lines().filter((line) => line.includes('it starts again'))
    await eventually(() => expect(starts().length).toBeGreaterThanOrEqual(2))
  })

  const failing = `console.log('begins'); setTimeout(() => process.exit(1), 2000)`
  const begins = ({ lines }: Supervised) => lines().filter((line) => line === 'begins')

  it('does not start it again once the starter of the supervisor has ended', async () => {
    const supervised = supervise([...mortal, ...shell], failing)
    await once(supervised.process, 'close')
    expect(begins(supervised)).toHaveLength(1)
  })

  it.each(['storing', 'in a pod'])('starts it again %s, whichever process has ended', async (where) => {
    const mark = `require('node:path').join(process.env.STATE_DIRECTORY, 'terminating')`
    const marking = where === 'storing' ? `require('node:fs').writeFileSync(${mark}, '1'); ` : ''
    const port = where === 'storing' ? {} : { UPLOADER_PORT: '47100' }
    const supervised = supervise([...mortal, ...shell], marking + failing, port)
    await eventually(() => expect(begins(supervised)).toHaveLength(2))
  })

  it('starts it again after kill -9, and passes SIGTERM on', async () => {
    const supervised = inShell(waitForTerm)
    const pids = () => supervised.lines().filter((line) => /^\d+$/.test(line))
    await eventually(() => expect(pids()).toHaveLength(1))
    process.kill(Number(pids()[0]), 'SIGKILL')
    await eventually(() => expect(pids()).toHaveLength(2))
    supervised.process.kill('SIGTERM')
    expect(await supervised.exit).toBe(0)
    const mark = Number(readFileSync(join(supervised.state, 'terminating'), 'utf8'))
    expect(Date.now() - mark).toBeLessThan(60_000)
  })

  it('does not lose a SIGTERM that comes while no program runs', async () => {
    const mark = `require('node:path').join(process.env.STATE_DIRECTORY, 'terminating')`
    const supervised = inShell(`process.exit(require('node:fs').existsSync(${mark}) ? 0 : 1)`)
    // By then a pause takes 3.2 s.
    await eventually(() => expect(supervised.lines().length).toBeGreaterThanOrEqual(6))
    const begun = Date.now()
    supervised.process.kill('SIGTERM')
    expect(await supervised.exit).toBe(0)
    expect(Date.now() - begun).toBeLessThan(3000)
  })

  it('keeps the time of the first SIGTERM, and waits for the program’s end after several', async () => {
    const script = `process.on('SIGTERM', () => setTimeout(() => process.exit(3), 1500)); console.log('on'); setInterval(() => {}, 1000)`
    const supervised = inShell(script)
    await eventually(() => expect(supervised.lines()).toContain('on'))
    const mark = join(supervised.state, 'terminating')
    supervised.process.kill('SIGTERM')
    await eventually(() => expect(existsSync(mark)).toBe(true))
    const first = readFileSync(mark, 'utf8')
    await new Promise((resolve) => setTimeout(resolve, 1100))
    supervised.process.kill('SIGTERM')
    expect(await supervised.exit).toBe(3)
    expect(readFileSync(mark, 'utf8')).toBe(first)
  })
})
