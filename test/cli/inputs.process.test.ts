import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Embedded, startEmbedded } from '../support/api/embedded.ts'
import { getJson } from '../support/api/http.ts'
import { runCli } from '../support/cli/cli-process.ts'
import { temporaryFolder } from '../support/files/temporary-folder.ts'

let api: Embedded
let environment: Record<string, string>
beforeAll(async () => {
  api = await startEmbedded({}, { LOCAL_ALLOW_COMMANDS: '1', ALLOW_UNAUTHENTICATED: '1', LOG_LEVEL: 'fatal' })
  environment = { JOBFERRY_SERVER: api.url }
})
afterAll(() => api.remove())

const list =
  'cd $INPUT_DIRECTORY; find . -type f | LC_ALL=C sort | while read -r f; do echo "$f=$(cat "$f")"; done'

it('folders of --input keep their paths, links are followed, and several paths stand behind one --input', async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'data/a/b'), { recursive: true })
  writeFileSync(join(folder, 'data/top'), '1')
  writeFileSync(join(folder, 'data/a/b/deep ü'), '2')
  symlinkSync('a/b', join(folder, 'data/link'))
  writeFileSync(join(folder, 'x'), '3')
  writeFileSync(join(folder, 'y'), '4')
  const args = ['run', '--no-output', '--input', 'data', 'x', '--input', 'y', '--', 'sh', '-c', list]
  const { code, out, err } = await runCli(args, folder, environment)
  expect({ code, out, err }).toMatchObject({
    code: 0,
    out: './a/b/deep ü=2\n./link/deep ü=2\n./top=1\n./x=3\n./y=4\n',
  })
})

it('a folder that leads into itself, and two files in one place, are refused before anything is sent', async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'data'))
  writeFileSync(join(folder, 'data/x'), '1')
  writeFileSync(join(folder, 'x'), '2')
  const refused = async (...args: string[]) => {
    const { code, err } = await runCli(['submit', ...args], folder, environment)
    return { code, err }
  }
  expect(await refused('--input', 'data', 'x')).toEqual({
    code: 64,
    err: 'error: --input: data/x and x are both x in /input; expected different names\n',
  })
  symlinkSync('../data', join(folder, 'data/again'))
  expect(await refused('--input', 'data')).toEqual({
    code: 64,
    err: 'error: --input: data/again is a link to a folder that it lies in\n',
  })
})

it('inputs are kept, not sent again while they are the same, taken by a job, listed and deleted', async () => {
  const folder = temporaryFolder()
  const call = (...args: string[]) => runCli(['inputs', ...args], folder, environment)
  writeFileSync(join(folder, 'drive 1.bag'), 'first')
  expect(await call('put', 'drive 1.bag')).toEqual({ code: 0, out: 'upload:drive 1.bag\n', err: '' })
  expect(await call('put', 'drive 1.bag')).toMatchObject({
    ...{ out: 'upload:drive 1.bag\n', err: 'drive 1.bag is kept already\n' },
  })
  writeFileSync(join(folder, 'drive 1.bag'), 'sEcond')
  const put = await call('put', 'drive 1.bag', '--json')
  expect(JSON.parse(put.out)).toMatchObject({ name: 'drive 1.bag', size: 6, sent: true })
  const args = ['run', '--no-output', '--input', 'upload:drive 1.bag', '--', 'sh', '-c', list]
  expect(await runCli(args, folder, environment)).toMatchObject({ code: 0, out: './drive 1.bag=sEcond\n' })
  expect((await call('list')).out).toMatch(/^ +6 B {2}\S+ {2}drive 1\.bag\n$/)
  expect(await call('delete', 'drive 1.bag', '-q')).toEqual({ code: 0, out: '', err: '' })
  expect(await call('delete', 'drive 1.bag')).toMatchObject({ code: 66 })
  expect(await call('list', '--json')).toEqual({ code: 0, out: '', err: '' })
})

it('a large input of several payloads is sent once, and leaves no upload', async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'data/sub'), { recursive: true })
  writeFileSync(join(folder, 'data/sub/large'), Buffer.alloc(2 * 1024 * 1024, 'x'))
  writeFileSync(join(folder, 'data/small'), 'y')
  const check = 'cd $INPUT_DIRECTORY; test $(stat -c %s sub/large) = 2097152 && test $(cat small) = y'
  writeFileSync(join(folder, 'payloads'), `${check}\n${check}; exit $?\n`)
  const args = ['run', '--no-output', '--payloads', 'payloads', '--input', 'data', '--json']
  const { code, out } = await runCli(args, folder, environment)
  const jobs = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect({ code, states: jobs.map(({ state }) => state) }).toEqual({
    code: 0,
    states: ['succeeded', 'succeeded'],
  })
  expect(jobs.map(({ inputs }) => inputs[0].to)).toEqual(['sub/large', 'sub/large'])
  expect(await getJson(`${api.url}/upload`)).toMatchObject({ uploads: [] })
})
