import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bytesOfResult, type Caller, callAs, callersTokens } from '../../http/callers.ts'
import type { Answer, Call } from '../../http/client.ts'
import { type RunningApi, startApi } from '../../http/running.ts'

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')
let source: string
const large = randomBytes(3 * 2 ** 20)
let api: RunningApi
let made: string

beforeAll(async () => {
  source = await mkdtemp(join(tmpdir(), 'job-inputs-'))
  await writeFile(join(source, 'large'), large)
  api = await startApi({}, { LOCAL_ALLOW_COMMANDS: '1', API_TOKENS: callersTokens })
  made = await run(`cd "$RESULT_DIRECTORY"; mkdir -p out/deep/empty; cp ${source}/large out/deep/;
    printf a >out/a; printf '#!/bin/sh' >out/run.sh; chmod 755 out/run.sh; ln -s ../a out/deep/up
    printf o >other; ln -s /etc/passwd away; tar cf all.tar out`)
})
afterAll(async () => {
  await api?.close()
  await rm(source, { recursive: true, force: true })
})

it('files and folders of another job’s result are inputs, byte for byte', async () => {
  const inputs = [
    { from: `job:${made}/out/`, to: 'in/all' },
    { from: `job:${made}/out/deep/large`, sha256: sha256(large) },
    { from: `job:${made}/all.tar`, unpack: 'tar' },
    { from: `job:${made}/none`, optional: true, to: 'none' },
  ]
  const uuid = await run('cp -r "$INPUT_DIRECTORY"/. "$RESULT_DIRECTORY"/', inputs)
  for (const path of ['in/all/deep/large', 'large', 'all/out/deep/large']) {
    expect((await bytesOf(uuid, path)).equals(large)).toBe(true)
  }
  const lines = [`${sha256('a')}  a\n`, `${sha256(large)}  deep/large\n`, `${sha256('#!/bin/sh')}  run.sh\n`]
  const job = (await ask('alice', { path: `/job/${uuid}` })).json()
  expect(job).toMatchObject({
    inputs: [
      { source: `job:${made}/all.tar`, to: 'all' },
      { source: `job:${made}/out/`, to: 'in/all', files: 3, sha256: sha256(lines.join('')) },
      { source: `job:${made}/out/deep/large`, to: 'large', size: large.length, sha256: sha256(large) },
    ],
  })
  const list = await ask('alice', { path: `/job/${uuid}/result/list` })
  expect(list.json()).toMatchObject({
    files: expect.arrayContaining([
      expect.objectContaining({ path: 'in/all/deep/empty', type: 'directory' }),
      expect.objectContaining({ path: 'in/all/deep/up', type: 'symlink', target: '../a' }),
      expect.objectContaining({ path: 'in/all/run.sh', mode: '0755' }),
    ]),
  })
})

it.each([
  ['a job that is not there', () => `job:${randomUUID()}/a`, 'names no job of this caller'],
  ['a file that is not there', () => `job:${made}/out/b`, 'names no file of the result'],
  ['a folder as a file', () => `job:${made}/out`, 'names no file of the result'],
  ['a link', () => `job:${made}/away`, 'names no file of the result'],
  ['an empty folder', () => `job:${made}/out/none/`, 'names a folder that the result does not have'],
])('a request that names %s is refused', async (_, from, problem) => {
  const answer = await deploy('alice', 'true', [{ from: from(), to: 'in' }])
  expect(answer.status).toBe(400)
  expect(answer.json()).toMatchObject({ errors: [{ field: 'inputs[0].from', problem }] })
})

it('a job of another caller is answered as one that is not there', async () => {
  const answer = await deploy('bob', 'true', [{ from: `job:${made}/out/a`, optional: true }])
  expect(answer.status).toBe(400)
  expect(answer.json()).toMatchObject({ errors: [{ problem: 'names no job of this caller' }] })
})

it('a job that runs is refused, and so is one more than eight', async () => {
  const running = (await deploy('alice', 'sleep 600')).json() as { job_uuid: string }
  const answer = await deploy('alice', 'true', [{ from: `job:${running.job_uuid}/a` }])
  expect(answer.json()).toMatchObject({
    errors: [{ field: 'inputs[0].from', problem: expect.stringMatching(/names a job that is/) }],
  })
  await ask('alice', { method: 'DELETE', path: `/job/${running.job_uuid}` })
  const nine = Array.from({ length: 9 }, (_, n) => ({ from: `job:${randomUUID()}/a`, to: `${n}` }))
  expect((await deploy('alice', 'true', nine)).json()).toMatchObject({
    errors: expect.arrayContaining([
      { field: 'inputs[8].from', problem: 'is of a further job', expected: 'files of at most 8 jobs' },
    ]),
  })
})

it('a link that leads out of the folder fails the job, and names the link', async () => {
  const uuid = await run('true', [{ from: `job:${made}/`, to: 'all' }], 'failed')
  expect((await ask('alice', { path: `/job/${uuid}` })).json()).toMatchObject({
    reason: 'InputInvalid',
    message: expect.stringContaining('"away" leads out of the folder'),
  })
})

it('a file whose bytes in the store were changed fails the job', async () => {
  const changed = await run('head -c 100000 /dev/zero >"$RESULT_DIRECTORY/zeros"')
  const [file = ''] = (await api.stored()).filter(
    (path) => path.includes(`${changed}/`) && path.includes('/files/'),
  )
  const bytes = await readFile(file)
  bytes[50_000] = 1
  await writeFile(file, bytes)
  const uuid = await run('true', [{ from: `job:${changed}/zeros` }], 'failed')
  expect((await ask('alice', { path: `/job/${uuid}` })).json()).toMatchObject({
    reason: expect.stringMatching(/^Input(Invalid|Unavailable)$/),
    message: expect.stringContaining(`job:${changed}/zeros: `),
  })
})

/** The uuid of a job of alice's once it has ended so. */
async function run(script: string, inputs?: object[], state = 'succeeded'): Promise<string> {
  const answer = await deploy('alice', script, inputs)
  expect(answer.status).toBe(201)
  const job = answer.json() as { job_uuid: string; state: string }
  expect(job).toMatchObject({ state })
  return job.job_uuid
}

function deploy(name: Caller, script: string, inputs?: object[]): Promise<Answer> {
  const wait = script.startsWith('sleep') ? 0 : 55
  return ask(name, {
    method: 'POST',
    path: `/job/deploy?wait=${wait}`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ command: ['sh', '-ec', script], ...(inputs && { inputs }) }),
  })
}

const ask = (name: Caller, request: Call) => callAs(name, api.url, request)
const bytesOf = (uuid: string, path: string) => bytesOfResult(api.url, uuid, path)
