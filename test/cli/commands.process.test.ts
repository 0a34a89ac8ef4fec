import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Embedded, startEmbedded } from '../support/api/embedded.ts'
import { cliResult, runCli, startCli } from '../support/cli/cli-process.ts'
import { temporaryFolder } from '../support/files/temporary-folder.ts'

const token = 'a-token-of-some-length'
let api: Embedded
let environment: Record<string, string>
beforeAll(async () => {
  const settings = {
    LOCAL_ALLOW_COMMANDS: '1',
    API_TOKENS: `me:${createHash('sha256').update(token).digest('hex')}`,
  }
  api = await startEmbedded(
    { default: 'command: [sh, -c, "echo hello > $RESULT_DIRECTORY/hello.txt"]' },
    settings,
  )
  environment = { JOBFERRY_SERVER: api.url, JOBFERRY_TOKEN: token }
})
afterAll(() => api.remove())

it('run sends files, shows the log, fetches the results and ends with the code of the worker', async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'data'))
  writeFileSync(join(folder, 'data/a "b" ü.txt'), 'first')
  writeFileSync(join(folder, 'second.txt'), 'second')
  const script =
    'cd $RESULT_DIRECTORY; cp $INPUT_DIRECTORY/* .; mkdir d; echo $VERSION > d/v; chmod 640 d/v; echo worked; exit 3'
  const { code, out, err } = await runCli(
    [
      'run',
      '-o',
      'got',
      '--input',
      'data',
      '--input',
      'second.txt',
      '-e',
      'VERSION=1.10',
      '--',
      'sh',
      '-c',
      script,
    ],
    ...[folder, environment],
  )
  expect({ code, out }).toEqual({ code: 3, out: `worked\n${join(folder, 'got')}\n` })
  expect(err).toContain('failed: Error: the worker exited with code 3')
  const read = (name: string) => readFileSync(join(folder, 'got', name), 'utf8')
  expect([read('a "b" ü.txt'), read('second.txt'), read('d/v')]).toEqual(['first', 'second', '1.10\n'])
  expect(statSync(join(folder, 'got/d/v')).mode & 0o777).toBe(0o640)
  expect((await runCli(['verify', 'got'], folder)).code).toBe(0)
  writeFileSync(join(folder, 'got/second.txt'), 'sEcond')
  const verified = await runCli(['verify', 'got', '-q'], folder)
  expect(verified).toEqual({ code: 65, out: 'second.txt: has other bytes\n', err: '' })
})

it('a job is submitted, waited for, shown, listed, read, repeated and deleted', async () => {
  const folder = temporaryFolder()
  const call = async (...args: string[]) => {
    const { code, out } = await runCli([...args, '--json'], folder, environment)
    return { code, answer: out === '' ? undefined : JSON.parse(out) }
  }
  const { answer: deployed } = await call('submit', '--name', 'first try', '-l', 'team=x')
  const id = deployed.job_uuid
  expect(await call('wait', id)).toMatchObject({ code: 0, answer: { state: 'succeeded' } })
  expect(await call('status', id)).toMatchObject({ code: 0, answer: { job: 'default', exit_code: 0 } })
  expect((await call('list', '--name', 'first try', '-l', 'team=x')).answer.jobs[0].job_uuid).toBe(id)
  expect((await call('list', '--state', 'failed', '-l', 'team=x')).answer.jobs).toEqual([])
  expect(await call('ls', id)).toMatchObject({ answer: { path: 'hello.txt', size: 6 } })
  const printed = await runCli(['get', id, 'hello.txt', '-o', '-'], folder, environment)
  expect(printed).toEqual({ code: 0, out: 'hello\n', err: '' })
  expect((await runCli(['get', id, 'nothing'], folder, environment)).code).toBe(66)
  expect((await call('rerun', id, '--name', 'again')).answer).toMatchObject({ rerun_of: id })
  expect(await call('delete', id)).toMatchObject({ code: 0, answer: { deleted: true } })
  expect(await call('status', id)).toMatchObject({ code: 66, answer: { exit_code: 66 } })
})

it.each<[string, string[], Record<string, string>, number, string]>([
  ['no server', ['list'], { JOBFERRY_SERVER: 'http://127.0.0.1:9' }, 69, '`jobferry serve` starts a server'],
  [
    'another token',
    ['list'],
    { JOBFERRY_TOKEN: 'wrong' },
    77,
    '--token-file or JOBFERRY_TOKEN gives a token',
  ],
  ['an unknown field', ['submit', '--set', 'cpus=2'], {}, 64, 'cpus: is unknown; expected cpu'],
  ['an unknown command', ['lst'], {}, 64, 'Did you mean'],
  ['a path for an id', ['status', '../health'], {}, 66, '"../health" is not the id of a job'],
  ['a file that is absent', ['submit', '--input', 'absent'], {}, 74, 'absent'],
])('for %s the error says what to do, and the exit code is documented', async (_, args, more, code, text) => {
  const result = await runCli(args, temporaryFolder(), { ...environment, ...more })
  expect({ code: result.code, err: result.err }).toEqual({ code, err: expect.stringContaining(text) })
  expect(result.err).not.toContain('\u001b')
})

it('SIGINT cancels the job of run where there is no terminal, and what it had made is fetched', async () => {
  const folder = temporaryFolder()
  const script = 'echo early > $RESULT_DIRECTORY/early.txt; echo started; exec sleep 600'
  const child = startCli(['run', '-o', 'got', '--', 'sh', '-c', script], folder, environment)
  const result = cliResult(child)
  await once(child.stdout, 'data')
  child.kill('SIGINT')
  expect(await result).toMatchObject({ code: 130, err: expect.stringContaining('canceled') })
  expect(readFileSync(join(folder, 'got/early.txt'), 'utf8')).toBe('early\n')
})

it('SIGTERM ends run and leaves its job running', async () => {
  const folder = temporaryFolder()
  const child = startCli(['run', '--', 'sh', '-c', 'echo started; exec sleep 600'], folder, environment)
  const result = cliResult(child)
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  const { code, err } = await result
  const [, id = ''] = /jobferry wait (\S+)/.exec(err) ?? []
  expect(code).toBe(130)
  expect(JSON.parse((await runCli(['status', id, '--json'], folder, environment)).out).state).toBe('running')
  expect((await runCli(['cancel', id], folder, environment)).code).toBe(0)
})
