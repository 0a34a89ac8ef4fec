import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Embedded, startEmbedded } from '../support/api/embedded.ts'
import { getJson } from '../support/api/http.ts'
import { runCli } from '../support/cli/cli-process.ts'
import { temporaryFolder } from '../support/files/temporary-folder.ts'

let api: Embedded
beforeAll(async () => {
  api = await startEmbedded({}, { LOCAL_ALLOW_COMMANDS: '1', ALLOW_UNAUTHENTICATED: '1', LOG_LEVEL: 'fatal' })
})
afterAll(() => api.remove())

it('run of several payloads has --max-concurrent of them at once, a folder for each, and the first bad exit code', async () => {
  const folder = temporaryFolder()
  // Each fails if another one is at work.
  const alone = `mkdir ${folder}/busy || exit 9; sleep 0.2; rmdir ${folder}/busy`
  const script = (name: string, then: string) => `${alone}; echo ${name} > $RESULT_DIRECTORY/name; ${then}`
  const lines = [
    script('first', 'true'),
    '# a comment',
    script('second', 'exit 5'),
    script('third', 'exit 6'),
  ]
  writeFileSync(join(folder, 'payloads'), lines.join('\n'))
  const args = ['run', '--payloads', 'payloads', '--max-concurrent', '1', '-o', 'got', '--server', api.url]
  const { code, out, err } = await runCli(args, folder)
  const folders = ['1', '2', '3'].map((number) => join(folder, 'got', number))
  expect({ code, out, err }).toMatchObject({ code: 5, out: `${folders.join('\n')}\n` })
  expect(folders.map((path) => readFileSync(join(path, 'name'), 'utf8'))).toEqual([
    ...['first\n', 'second\n', 'third\n'],
  ])
  expect(err).toContain('job 2: failed: Error: the worker exited with code 5')
})

it('submit of several payloads makes the next job when one has ended, and prints each id', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'payloads'), `mkdir ${folder}/busy || exit 9; rmdir ${folder}/busy\n`.repeat(3))
  const args = ['submit', '--payloads', 'payloads', '--max-concurrent', '1', '--server', api.url]
  const { code, out } = await runCli(args, folder)
  const ids = out.trim().split('\n')
  expect({ code, count: ids.length }).toEqual({ code: 0, count: 3 })
  const states = await Promise.all(
    ids.map((id) => getJson<{ exit_code: number }>(`${api.url}/job/${id}?wait=20`)),
  )
  expect(states.map(({ exit_code }) => exit_code)).toEqual([0, 0, 0])
})

it('--debug shows the request, which -f takes, and makes nothing', async () => {
  const folder = temporaryFolder()
  const before = await getJson(`${api.url}/job`)
  const args = ['submit', '--k8s-image', 'a:1', '--debug', '--server', api.url, '--', 'echo hello']
  const { code, out } = await runCli(args, folder)
  expect({ code, request: JSON.parse(out) }).toEqual({
    code: 0,
    request: {
      image: 'a:1',
      command: ['bash', '-cl', 'echo hello'],
      image_pull_secret: 'sh-k8s-registry-secret',
      volumes: [{ claim: 'ntuples-claim', mount_path: '/ntuples' }],
      labels: { app: 'submission-helper' },
    },
  })
  expect(await getJson(`${api.url}/job`)).toEqual(before)
  writeFileSync(join(folder, 'request.json'), out)
  const again = await runCli(['submit', '-f', 'request.json', '--debug'], folder)
  expect(JSON.parse(again.out)).toEqual(JSON.parse(out))
  const run = await runCli(['run', '-f', 'request.json', '--no-output', '--server', api.url], folder)
  expect(run).toMatchObject({ code: 0, out: 'hello\n' })
  expect(run.err).toContain('no effect on this server: image, volumes, image_pull_secret')
})
