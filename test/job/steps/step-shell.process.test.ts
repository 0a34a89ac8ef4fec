import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import type { EffectiveStep } from '../../../src/job/steps/effective-steps.ts'
import { exitCodeIn, shellCommand } from '../../../src/job/steps/step-shell.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

const shells = ['dash', 'bash', 'busybox'].filter((name) =>
  ['/bin', '/usr/bin'].some((folder) => existsSync(join(folder, name))),
)

describe.each(shells)('the shell of a step, %s', (shell) => {
  async function start(folder: string, fields: Partial<EffectiveStep>, seconds?: number) {
    const places = {
      resultDirectory: join(folder, 'results'),
      pipes: join(folder, 'pipes'),
      terminationMessage: join(folder, 'message'),
      hold: seconds === undefined ? undefined : { seconds, file: join(folder, 'held') },
    }
    await mkdir(places.resultDirectory, { recursive: true })
    const step: EffectiveStep = { name: 'a', env: {}, ignore_error: false, ...fields }
    const [, ...args] = shellCommand(step, places) ?? []
    return spawn(shell, shell === 'busybox' ? ['sh', ...args] : args)
  }

  async function run(folder: string, fields: Partial<EffectiveStep>, seconds?: number) {
    const child = await start(folder, fields, seconds)
    const [[code], out, err] = await Promise.all([
      once(child, 'close') as Promise<[number]>,
      text(child.stdout),
      text(child.stderr),
    ])
    return { code, out, err }
  }

  const result = (folder: string, path: string) => readFile(join(folder, 'results', path), 'utf8')

  test('leaves output and errors in their files and in the log, and gives the real exit code', async () => {
    const folder = temporaryFolder()
    const command = ['sh', '-c', 'echo out; echo err >&2; exit 7']
    const fields = { stdout: 'logs/a b/out.txt', stderr: 'err.txt', command }
    expect(await run(folder, fields)).toEqual({ code: 7, out: 'out\n', err: 'err\n' })
    expect(await result(folder, 'logs/a b/out.txt')).toBe('out\n')
    expect(await result(folder, 'err.txt')).toBe('err\n')
    expect(existsSync(join(folder, 'pipes'))).toBe(false)
  })

  test('holds a program that failed, says so, and gives its exit code then', async () => {
    const folder = temporaryFolder()
    const { code, out, err } = await run(folder, { command: ['sh', '-c', 'echo out; exit 7'] }, 1)
    expect([code, out]).toEqual([7, 'out\n'])
    expect(err).toContain('held for 1 s after exit code 7')
    expect(readFileSync(join(folder, 'held'), 'utf8')).toBe('7\n')
  })

  test('ends a hold at SIGTERM, with the exit code of the program', async () => {
    const folder = temporaryFolder()
    const child = await start(folder, { command: ['misspelt'] }, 600)
    const ended = once(child, 'close')
    let seen = ''
    for await (const piece of child.stderr) {
      seen += String(piece)
      if (seen.includes('held for')) break
    }
    child.kill('SIGTERM')
    expect(await ended).toEqual([127, null])
  })

  test('holds no program that succeeded, that was told to end, or whose failure is ignored', async () => {
    const folder = temporaryFolder()
    expect(await run(folder, { command: ['true'] }, 600)).toMatchObject({ code: 0, err: '' })
    expect(await run(folder, { command: ['false'], ignore_error: true }, 600)).toMatchObject({ code: 0 })
    const child = await start(
      folder,
      { command: ['sh', '-c', 'trap "exit 5" TERM; echo up; sleep 9 & wait'] },
      600,
    )
    const ended = once(child, 'exit')
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    expect(await ended).toEqual([5, null])
    expect(existsSync(join(folder, 'held'))).toBe(false)
  })

  test('writes every byte of a large output', async () => {
    const folder = temporaryFolder()
    const command = ['head', '-c', '5000000', '/dev/zero']
    const { code, out } = await run(folder, { stdout: 'zeros', command })
    expect([code, out.length, (await result(folder, 'zeros')).length]).toEqual([0, 5_000_000, 5_000_000])
  })

  test('reads a file as its input, which is empty without one', async () => {
    const folder = temporaryFolder()
    expect(await run(folder, { stderr: 'e', command: ['cat'] })).toMatchObject({ code: 0, out: '' })
    await writeFile(join(folder, 'results', 'in put'), 'hello')
    const fields = { stdin: 'in put', command: ['cat'] }
    expect(await run(folder, fields)).toMatchObject({ code: 0, out: 'hello' })
  })

  test('says which file it can not read or write', async () => {
    const folder = temporaryFolder()
    const missing = await run(folder, { stdin: 'missing', command: ['cat'] })
    expect(missing).toMatchObject({ code: 126, out: '' })
    expect(missing.err).toContain(`cannot read ${folder}/results/missing`)
    await mkdir(join(folder, 'results', 'folder'))
    const folderAsFile = await run(folder, { stdout: 'folder', command: ['true'] })
    expect(folderAsFile.code).toBe(126)
    expect(folderAsFile.err).toContain(`cannot write ${folder}/results/folder`)
  })

  test('takes nothing in a command or a path for a part of its script', async () => {
    const folder = temporaryFolder()
    const hostile = `$(touch pwned); "'\`touch pwned\` $1 * \\n %s -e`
    const command = ['printf', '%s|', hostile, '', 'a\nb']
    const { code, out } = await run(folder, { stdout: `x ${hostile.replaceAll('/', '')}`, command })
    expect([code, out]).toEqual([0, `${hostile}||a\nb|`])
    expect(existsSync('pwned')).toBe(false)
  })

  test('ends with 0 if a failure is ignored, and leaves the code in the message', async () => {
    const folder = temporaryFolder()
    const command = ['sh', '-c', 'exit 9']
    expect(await run(folder, { ignore_error: true, command })).toMatchObject({ code: 0 })
    expect(exitCodeIn(readFileSync(join(folder, 'message'), 'utf8'))).toBe(9)
    const missing = await run(folder, { ignore_error: true, command: ['no-such-program'] })
    expect(missing.code).toBe(0)
    expect(exitCodeIn(readFileSync(join(folder, 'message'), 'utf8'))).toBe(127)
  })

  test('passes SIGTERM on, waits for the command, and gives its exit code', async () => {
    const folder = temporaryFolder()
    const script = 'trap "sleep 1; echo saved; exit 5" TERM; echo up; while :; do sleep 0.1; done'
    const child = await start(folder, { stdout: 'log', command: ['sh', '-c', script] })
    child.stdout.once('data', () => child.kill('SIGTERM'))
    const [code] = (await once(child, 'close')) as [number]
    expect([code, await result(folder, 'log')]).toEqual([5, 'up\nsaved\n'])
  })

  test('does not wait for processes that the command left behind', async () => {
    const folder = temporaryFolder()
    const command = ['sh', '-c', 'sleep 600 2>/dev/null & echo $!']
    const child = await start(folder, { stdout: 'log', command })
    const [[code]] = await Promise.all([once(child, 'exit') as Promise<[number]>, text(child.stdout)])
    const left = Number(await result(folder, 'log'))
    process.kill(left, 'SIGKILL')
    expect(code).toBe(0)
  })
})

test('a step whose streams need no shell runs by itself', () => {
  const places = { resultDirectory: '/output', pipes: '/scratch/p', terminationMessage: '/m' }
  const step: EffectiveStep = { name: 'a', env: {}, ignore_error: false, command: ['true'] }
  expect(shellCommand(step, places)).toBeUndefined()
  expect(exitCodeIn('{"exit_code":1}; rm')).toBeUndefined()
  expect(exitCodeIn(undefined)).toBeUndefined()
})
