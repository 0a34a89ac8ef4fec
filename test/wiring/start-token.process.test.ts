import { chmod, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { startApiProcess } from '../support/api/api-process.ts'
import { type Embedded, startEmbedded } from '../support/api/embedded.ts'
import { getJson, postJson, waitForFinal } from '../support/api/http.ts'
import { temporaryFolder } from '../support/files/temporary-folder.ts'

const command = ['sh', '-c', 'echo hello > $RESULT_DIRECTORY/hello.txt']
const greet = 'command: [sh, -c, "echo $NAME > $RESULT_DIRECTORY/name.txt"]\nenv: {NAME: nobody}\n'

let api: Embedded | undefined
afterEach(() => api?.remove())

it('makes a token at start where callers may run commands, in a file for its owner alone', async () => {
  api = await startEmbedded({}, { LOCAL_ALLOW_COMMANDS: '1' })
  const file = join(api.directory, 'token')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const deploy = (headers: Record<string, string>) => postJson(`${api?.url}/job/deploy`, { command }, headers)
  expect((await deploy({})).status).toBe(401)
  expect((await deploy({ authorization: 'Bearer other' })).status).toBe(401)
  expect((await fetch(`${api.url}/job`)).status).toBe(401)
  const token = (await readFile(file, 'utf8')).trim()
  expect((await deploy({ authorization: `Bearer ${token}` })).status).toBe(201)
})

it('keeps the token over a restart, unless others could have read or written its file', async () => {
  const environment = { DATA_DIRECTORY: temporaryFolder(), LOCAL_ALLOW_COMMANDS: '1' }
  const file = join(environment.DATA_DIRECTORY, 'token')
  const tokenOfStart = async () => {
    const process = await startApiProcess(environment)
    await process.stop()
    return await readFile(file, 'utf8')
  }
  const first = await tokenOfStart()
  expect(await tokenOfStart()).toBe(first)
  await chmod(file, 0o644)
  const second = await tokenOfStart()
  expect(second).not.toBe(first)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  await writeFile(file, 'guessed\n')
  expect(await tokenOfStart()).toMatch(/^[0-9a-f]{48}\n$/)
  await rename(file, `${file}.other`)
  await symlink(`${file}.other`, file)
  expect(await tokenOfStart()).not.toBe(await readFile(`${file}.other`, 'utf8'))
})

it('prints the token at start: with nothing but that line a caller runs a command', async () => {
  const process = await startApiProcess({ DATA_DIRECTORY: temporaryFolder(), LOCAL_ALLOW_COMMANDS: '1' })
  try {
    const printed = process.log.filter((line) => 'token' in JSON.parse(line)).map((line) => JSON.parse(line))
    expect(printed).toEqual([expect.objectContaining({ token: expect.stringMatching(/^[0-9a-f]{48}$/) })])
    const [{ token, file, msg }] = printed
    expect(msg).toContain('Authorization: Bearer <token>')
    expect(await readFile(file, 'utf8')).toBe(`${token}\n`)
    const deploy = (authorization: string) =>
      postJson(`${process.url}/job/deploy`, { command }, { authorization })
    expect((await deploy(`Bearer ${token}`)).status).toBe(201)
    expect((await deploy(`Bearer ${token.slice(1)}0`)).status).toBe(401)
  } finally {
    await process.stop()
  }
})

it.each([
  ['commands are not allowed', { LOCAL_ALLOW_COMMANDS: '0' }, 200],
  ['ALLOW_UNAUTHENTICATED lets everybody in', { LOCAL_ALLOW_COMMANDS: '1', ALLOW_UNAUTHENTICATED: '1' }, 200],
  ['API_TOKENS are set', { LOCAL_ALLOW_COMMANDS: '1', API_TOKENS: `me:${'0'.repeat(64)}` }, 401],
])('makes no token if %s', async (_, environment, status) => {
  api = await startEmbedded({}, environment)
  expect(await readdir(api.directory)).not.toContain('token')
  expect((await fetch(`${api.url}/job`)).status).toBe(status)
})

it('takes only variables that the configured job names, from every source, where commands are not allowed', async () => {
  api = await startEmbedded({ greet })
  const { url } = api
  const code = '--import=data:text/javascript,process.exit(3)'
  const inRequest = await postJson(`${url}/job/deploy`, {
    job: 'greet',
    env: { NODE_OPTIONS: code, NAME: 'me' },
  })
  expect(inRequest.status).toBe(400)
  expect(inRequest.body.errors).toEqual([
    {
      field: 'env.NODE_OPTIONS',
      problem: 'is not allowed here',
      expected: 'a variable of the configured job: NAME',
    },
  ])

  const form = new FormData()
  form.set('request', '{"job": "greet"}')
  form.set('env_file', new Blob([`NODE_OPTIONS=${code}\n`]), 'settings.env')
  const inFile = await fetch(`${url}/job/deploy`, { method: 'POST', body: form })
  expect(inFile.status).toBe(400)
  expect(await inFile.text()).toContain('env.NODE_OPTIONS')

  const made = await fetch(`${url}/resource/env`, {
    method: 'POST',
    body: `BASH_ENV=/tmp/x\n`,
    headers: { 'content-type': 'text/plain' },
  })
  const { id } = (await made.json()) as { id: string }
  const inEnvironment = await postJson(`${url}/job/deploy`, { job: 'greet', config_map_ref: [id] })
  expect(inEnvironment.status).toBe(400)
  expect(JSON.stringify(inEnvironment.body)).toContain('config_map_ref')
  expect(JSON.stringify(inEnvironment.body)).toContain('BASH_ENV')

  const { body } = await postJson(`${url}/job/deploy`, { job: 'greet', env: { NAME: 'Ada' } })
  const job = await waitForFinal(url, String(body.job_uuid))
  const file = await fetch(`${url}/job/${job.job_uuid}/result?file=name.txt`)
  expect(await file.text()).toBe('Ada\n')
})

it('keeps its folders and files from other users', async () => {
  api = await startEmbedded({ greet })
  const { job_uuid } = await getJson<{ job_uuid: string }>(`${api.url}/job/deploy?job=greet`)
  await waitForFinal(api.url, job_uuid)
  // Temporary files of the store may go while the folder is read.
  await expect.poll(() => openPaths(api?.directory ?? '')).toEqual([])
})

/**
 * Paths that other users can read or enter, but for those within a job's folder: it is closed
 * itself.
 */
async function openPaths(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  expect(entries.length).toBeGreaterThan(10)
  const paths = entries.map((entry) => join(entry.parentPath, entry.name))
  const modes = await Promise.all(paths.map(async (path) => (await stat(path)).mode & 0o077))
  return paths.filter((path, index) => modes[index] !== 0 && !/\/local\/[^/]+\/[^/]+\//.test(path))
}
