import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'

const run = promisify(execFile)
const request = '{"job": "default", "env": {"TEXT": "a; b"}}'
let api: RunningApi
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobferry-curl-'))
  await writeFile(join(folder, 'request.json'), request)
  await writeFile(join(folder, 'bom.json'), `\uFEFF${request}`)
  await writeFile(join(folder, '.env'), 'TEXT="a; \\"b\\"" # note\n')
  api = await startApi({ default: 'command: ["sh", "-c", "echo \\"$TEXT\\""]\nenv: {TEXT: none}' })
}, 60_000)
afterAll(async () => {
  await api?.close()
  await rm(folder, { recursive: true, force: true })
})

interface Answer {
  job_uuid?: string
  errors?: { expected: string }[]
}

async function curl(...args: string[]): Promise<Answer> {
  const { stdout } = await run('curl', ['-s', `${api.url}/job/deploy`, ...args], { cwd: folder })
  return JSON.parse(stdout) as Answer
}

async function logOf({ job_uuid: uuid }: Answer): Promise<string> {
  await call(api.url, { path: `/job/${uuid}?wait=30` })
  return (await call(api.url, { path: `/job/${uuid}/log` })).body.toString()
}

describe('a request with a semicolon, sent by curl,', () => {
  test('is cut by -F, and the answer says how to send it', async () => {
    const { errors } = await curl('-F', `request=${request}`)
    expect(errors?.[0]?.expected).toContain("--form-string 'request={…}' or -F 'request=<FILE'")
  })

  test.each<[way: string, args: string[]]>([
    ['by --form-string', ['--form-string', `request=${request}`]],
    ['from a file', ['-F', 'request=<request.json']],
    ['as a file', ['-F', 'request=@request.json']],
    ['as a file with a byte order mark', ['-F', 'request=@bom.json']],
    ['quoted', ['-F', `request="${request.replaceAll('"', '\\"')}"`]],
    ['as a whole body', ['--json', '@bom.json']],
  ])('arrives whole %s', async (_, args) => {
    expect(await logOf(await curl(...args))).toBe('a; b\n')
  })
})

test('an env_file of curl arrives as Docker Compose would read it', async () => {
  const deployed = await curl('-F', 'request={"job": "default"}', '-F', 'env_file=@.env')
  expect(await logOf(deployed)).toBe('a; "b"\n')
})

test('a number in env arrives as it is written', async () => {
  const deployed = await curl('--json', '{"job": "default", "env": {"TEXT": 1.10}}')
  expect(await logOf(deployed)).toBe('1.10\n')
})

test('an environment of comments alone is kept, and has no variable', async () => {
  const kept = await call(api.url, {
    method: 'POST',
    path: '/resource/env',
    headers: { 'content-type': 'text/plain' },
    body: '# none\n',
  })
  expect(kept.status).toBe(201)
  const { id } = kept.json() as { id: string }
  const deployed = await curl('--json', JSON.stringify({ job: 'default', config_map_ref: [id] }))
  expect(await logOf(deployed)).toBe('none\n')
  const removed = await call(api.url, { method: 'DELETE', path: `/resource/env/${id}` })
  expect(removed.status).toBe(204)
})
