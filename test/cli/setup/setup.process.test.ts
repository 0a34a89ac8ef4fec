import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Embedded, startEmbedded } from '../../support/api/embedded.ts'
import { cliResult, runCli, startCli } from '../../support/cli/cli-process.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { freePort } from '../../support/free-port.ts'
import { patience } from '../../support/time/patience.ts'

const token = 'a-token-of-some-length'
let api: Embedded
let environment: Record<string, string>
beforeAll(async () => {
  api = await startEmbedded(
    { default: 'command: [sh, -c, "echo hello > $RESULT_DIRECTORY/hello.txt"]' },
    { API_TOKENS: `me:${createHash('sha256').update(token).digest('hex')}` },
  )
  environment = { JOBFERRY_SERVER: api.url, JOBFERRY_TOKEN: token }
})
afterAll(() => api.remove())

it('config check says which server and token are used, and whether they work', async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, '.config/jobferry'), { recursive: true })
  writeFileSync(join(folder, 'token'), `${token}\n`)
  const contexts = `here: {server: "${api.url}", token_file: ~/token}, away: {server: "http://127.0.0.1:9"}`
  writeFileSync(join(folder, '.config/jobferry/config.yaml'), `current: here\ncontexts: {${contexts}}\n`)
  const check = (...args: string[]) => runCli(['config', 'check', ...args], folder)
  const { code, out } = await check()
  expect({ code, lines: out.trim().split(/\s*\n/) }).toEqual({
    code: 0,
    lines: [
      `config file  ${join(folder, '.config/jobferry/config.yaml')}`,
      `server       ${api.url} (context here)`,
      'token        from ~/token',
      'the server answers, and takes the token',
    ],
  })
  const json = await check('--json')
  expect(JSON.parse(json.out)).toMatchObject({ server: api.url, health: { status: 'ok' } })
  expect(await check('--context', 'away')).toMatchObject({ code: 69 })
  writeFileSync(join(folder, 'token'), 'another-token-of-some-length\n')
  expect(await check()).toMatchObject({ code: 77 })
  writeFileSync(join(folder, '.config/jobferry/config.yaml'), 'contexts: {here: {adress: x}}\n')
  expect(await check()).toMatchObject({
    ...{ code: 78, err: expect.stringContaining('adress is unknown; expected server or token_file') },
  })
})

it('open starts a browser with the address of a job or file, and refuses a job that is not there', async () => {
  const folder = temporaryFolder()
  const browser = `#!/bin/sh\necho "$1" > ${folder}/opening; mv ${folder}/opening ${folder}/opened\n`
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin/xdg-open'), browser, { mode: 0o755 })
  const withBrowser = { ...environment, PATH: `${folder}/bin:${process.env.PATH}` }
  const { out: id } = await runCli(['submit'], folder, environment)
  const url = `${api.url}/job/${id.trim()}`
  const opened = await runCli(['open', id.trim(), 'a b/ü.txt'], folder, withBrowser)
  expect(opened).toMatchObject({ code: 0, out: `${url}/result?file=a%20b%2F%C3%BC.txt\n` })
  await expect
    .poll(() => readFileSync(join(folder, 'opened'), 'utf8'), { timeout: 10_000 * patience })
    .toBe(opened.out)
  const json = await runCli(['open', id.trim(), '--json'], folder, withBrowser)
  expect(JSON.parse(json.out)).toEqual({ url })
  const unknown = await runCli(['open', '0f8fad5b-d9cb-469f-a165-70867728950e'], folder, withBrowser)
  expect(unknown).toMatchObject({ code: 66, out: '' })
  const without = await runCli(['open', id.trim()], folder, { ...environment, PATH: join(folder, 'none') })
  expect(without).toMatchObject({ code: 0, err: expect.stringContaining('no browser was found') })
})

it('serve starts a server with the jobs of the package, which SIGTERM ends', async () => {
  const folder = temporaryFolder()
  const url = `http://127.0.0.1:${await freePort()}`
  const server = startCli(['serve'], folder, { PORT: new URL(url).port })
  const ended = cliResult(server)
  await expect
    .poll(() => fetch(`${url}/health/ready`).then(({ status }) => status, String), {
      timeout: 20_000 * patience,
    })
    .toBe(200)
  const submitted = await runCli(['run', '--no-output', '--server', url], folder)
  expect(submitted).toMatchObject({ code: 0 })
  server.kill('SIGTERM')
  expect(await ended).toMatchObject({ code: 0 })
})
