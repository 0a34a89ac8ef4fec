import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { type Embedded, startEmbedded } from '../support/api/embedded.ts'
import { deployJob } from '../support/api/http.ts'
import { codeBlock } from '../support/docs/code-blocks.ts'
import { temporaryFolder } from '../support/files/temporary-folder.ts'
import { freePort } from '../support/free-port.ts'
import { listenForTest } from '../support/listen.ts'
import { programEnvironment } from '../support/program-environment.ts'
import { pythonWith } from '../support/python-program.ts'

/* Each recipe of docs/clients.md runs once, as it stands there, against the embedded default. */

const page = 'docs/clients.md'
const secret = `whsec_${randomBytes(32).toString('base64')}`
const showcase = readFileSync('manifests/jobs/showcase.yaml', 'utf8')

let api: Embedded
let bin: string
let environment: Record<string, string>
beforeAll(async () => {
  bin = await mkdtemp(join(tmpdir(), 'jobferry-test-'))
  const program = `#!/bin/sh\nexec ${process.execPath} ${resolve('src/cli/main.ts')} "$@"\n`
  writeFileSync(join(bin, 'jobferry'), program, { mode: 0o755 })
  api = await startEmbedded(
    { showcase, fails: 'command: [sh, -c, "exit 3"]\n' },
    { CALLBACK_SECRETS: `*: ${secret}`, OUTGOING_ALLOW: 'any' },
  )
  const { PATH, ...others } = programEnvironment()
  environment = { ...others, PATH: `${bin}:${PATH}`, JOBFERRY_SERVER: api.url }
})
afterAll(async () => {
  await api?.remove()
  await rm(bin, { recursive: true, force: true })
})

/** Runs a program to its end, in a folder. */
async function run(program: string, args: string[], cwd: string, more: Record<string, string> = {}) {
  const env = { ...environment, HOME: cwd, ...more }
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit') as Promise<[number | null]>
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code, out, err }
}

it('the shell recipe waits and unpacks the results', async () => {
  const folder = temporaryFolder()
  const script = codeBlock(page, 'Shell', 'curl')
  expect(await run('bash', ['-c', script], folder)).toMatchObject({ code: 0 })
  expect(existsSync(join(folder, 'results/pictures/mandelbrot.png'))).toBe(true)
})

it('run prints what docs/cli.md shows of it', async () => {
  const folder = temporaryFolder()
  const shown = codeBlock('docs/cli.md', 'The command line and the client library', '$ jobferry')
  const [command = '', ...lines] = shown.trimEnd().split('\n')
  const { code, out, err } = await run('bash', ['-c', command.replace('$ ', '')], folder)
  expect({ code, printed: masked(out + err) }).toEqual({ code: 0, printed: masked(lines.join('\n')) })
})

/** Without what differs from run to run: the states that were seen, the lines' order, digits and folders. */
function masked(output: string): string[] {
  const lines = output.split('\n').filter((line) => !/^(|queued|preparing|running|storing)$/.test(line))
  return lines.map((line) => line.replace(/^\/.*\//, '').replaceAll(/[\da-f]{4,}|[\d.]+/g, 'N')).sort()
}

it('the step for GitHub Actions fails with its job, and has the results otherwise', async () => {
  const folder = temporaryFolder()
  const [, step] = parse(codeBlock(page, 'GitHub Actions', 'jobferry run')) as { run: string }[]
  const more = { GITHUB_SHA: '0f8fad5bd9cb469f', GITHUB_REPOSITORY: 'team/simulation' }
  const script = step?.run ?? ''
  expect(await run('bash', ['-e', '-c', script], folder, more)).toMatchObject({ code: 0 })
  expect(existsSync(join(folder, 'results/SHA256SUMS'))).toBe(true)
  const failing = script.replace('showcase', 'fails')
  expect(await run('bash', ['-e', '-c', failing], temporaryFolder(), more)).toMatchObject({ code: 3 })
})

it('the task in plain Python finds its job again by its key, and raises with its reason', async () => {
  const folder = temporaryFolder()
  const script = (job: string) =>
    `from jobferry_task import run_job\nprint(run_job({"job": "${job}"}, "out", key="run-${job}")["job_uuid"])`
  const path = { PYTHONPATH: resolve('docs/clients') }
  const first = await run('python3', ['-B', '-c', script('showcase')], folder, path)
  expect(first).toMatchObject({ code: 0, err: '' })
  expect(existsSync(join(folder, 'out/report.txt'))).toBe(true)
  expect(await run('python3', ['-B', '-c', script('showcase')], folder, path)).toEqual(first)
  const failed = await run('python3', ['-B', '-c', script('fails')], folder, path)
  expect(failed).toMatchObject({ code: 1, err: expect.stringContaining('failed: Error: the worker exited') })
})

it('the receiver tells Slack once, and refuses a callback without a signature', async () => {
  const messages: string[] = []
  const slack = createServer(async (req, res) => {
    messages.push(await text(req))
    res.end('ok')
  })
  const slackUrl = await listenForTest(slack)
  const port = String(await freePort())
  const settings = { CALLBACK_SECRET: secret, SLACK_WEBHOOK_URL: slackUrl, PORT: port }
  const receiver = spawn('python3', ['-u', resolve('docs/clients/slack_receiver.py')], {
    env: { ...environment, ...settings },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  onTestFinished(() => void receiver.kill())
  const callback = `http://127.0.0.1:${port}/`
  await expect.poll(() => fetch(callback, { method: 'POST' }).then(({ status }) => status)).toBe(401)
  const id = await deployJob(api.url, { job: 'fails', name: 'nightly', callback })
  await expect.poll(() => messages).toHaveLength(1)
  expect(JSON.parse(messages[0] ?? '')).toEqual({
    text: 'nightly failed: the worker exited with code 3; see its log',
  })
  // The same event again, as after a lost answer.
  expect((await fetch(`${api.url}/job/${id}/callbacks/redeliver`, { method: 'POST' })).status).toBe(202)
  const attempts = async () => {
    const { callbacks } = (await (await fetch(`${api.url}/job/${id}/callbacks`)).json()) as {
      callbacks: { state: string; attempts: unknown[] }[]
    }
    return callbacks.map(({ state, attempts }) => [state, attempts.length])
  }
  await expect.poll(attempts).toEqual([
    ['delivered', 1],
    ['delivered', 1],
  ])
  expect(messages).toHaveLength(1)
})

it('the program with the client library prints a file of the results', async () => {
  const folder = temporaryFolder()
  const script = codeBlock(page, 'TypeScript and JavaScript', 'new Jobferry')
  writeFileSync(
    join(folder, 'example.ts'),
    script.replace("'jobferry/client'", `'${resolve('src/client/index.ts')}'`),
  )
  const { code, out, err } = await run(process.execPath, ['example.ts'], folder)
  expect({ code, out, err }).toMatchObject({ code: 0, out: expect.stringContaining('The Mandelbrot set') })
})

it('the generated Python client deploys, waits and reads', { timeout: 600_000 }, async () => {
  const folder = temporaryFolder()
  const python = await pythonWith('openapi-python-client', '0.29.1', 'openapi_python_client')
  const [, args = ''] =
    /openapi-python-client (generate .*)/.exec(codeBlock(page, 'Python, generated', 'generate')) ?? []
  writeFileSync(join(folder, 'openapi.json'), await (await fetch(`${api.url}/openapi.json`)).text())
  const generated = await run(python, ['-m', 'openapi_python_client', ...args.split(' ')], folder)
  expect(generated).toMatchObject({ code: 0 })
  const script = codeBlock(page, 'Python, generated', 'from jobferry_client').replace(
    'http://127.0.0.1:8888',
    api.url,
  )
  const { code, out, err } = await run(python, ['-c', script], folder)
  expect({ code, out, err }).toMatchObject({ code: 0, out: expect.stringContaining('SHA256SUMS') })
})

it('the notebook reads a table into pandas and shows a picture', { timeout: 600_000 }, async () => {
  const folder = temporaryFolder()
  const python = await pythonWith('pandas', '3.1.1', 'pandas, requests, PIL', ['requests', 'pillow'])
  const shows = readFileSync('docs/clients/notebook.py', 'utf8')
    // As a notebook does, the last line of a cell is shown.
    .replaceAll(/^(files\[\[|sums\.join|Image\.open)(.*)$/gm, 'print($1$2)')
  const { code, out, err } = await run(python, ['-c', shows], folder)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain('PngImageFile image mode=RGB size=960x640')
  expect(out).toMatch(/report\.txt +[0-9a-f.]+ +\d+/)
})
