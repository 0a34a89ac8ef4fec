import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it, onTestFinished } from 'vitest'
import { call, deployJson } from '../../http/client.ts'
import { startApiProcess } from '../../support/api/api-process.ts'
import { endJobs } from '../../support/end-jobs.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { programEnvironment } from '../../support/program-environment.ts'
import { eventually } from '../../support/time/eventually.ts'

const patience = { within: 60_000 }

it.each<[NodeJS.Signals, string]>([
  ['SIGINT', 'as Ctrl-C in a terminal sends it'],
  ['SIGTERM', 'as `timeout` and some service managers send it'],
])(
  '%s to the whole process group of the API, %s, leaves its jobs to the next start',
  async (signal) => {
    const folder = temporaryFolder()
    const [data, go] = [join(folder, 'data'), join(folder, 'go')]
    mkdirSync(join(folder, 'jobs'))
    onTestFinished(() => endJobs(data))
    const environment = {
      DATA_DIRECTORY: data,
      JOBS_DIRECTORY: join(folder, 'jobs'),
      LOCAL_ALLOW_COMMANDS: '1',
      ALLOW_UNAUTHENTICATED: '1',
    }
    const first = await startGroup(environment)
    const script = `echo 1 >"$RESULT_DIRECTORY/one"; until [ -e ${go} ]; do sleep 0.1; done; echo 2 >"$RESULT_DIRECTORY/two"`
    const answer = await call(first.url, deployJson({ command: ['sh', '-c', script] }))
    const { job_uuid: id } = answer.json() as { job_uuid: string }
    const state = async (url: string, query = '') => (await call(url, { path: `/job/${id}${query}` })).json()
    await eventually(async () => expect(await state(first.url)).toMatchObject({ state: 'running' }), patience)
    expect(await first.end(signal)).toBe(0)

    const said = first.log.map((line) => JSON.parse(line)).find(({ supervisors }) => supervisors)
    expect(said?.msg).toContain('1 job goes on without the API')
    const pid = said?.supervisors[id]
    expect(await readFile(`/proc/${pid}/cmdline`, 'latin1')).toContain('supervisor')
    const second = await startApiProcess(environment)
    onTestFinished(() => second.kill())
    expect(await state(second.url)).toMatchObject({ state: 'running' })
    await writeFile(go, '')
    expect(await state(second.url, '?wait=50')).toMatchObject({
      state: 'succeeded',
      attempt: { number: 1 },
      result: { state: 'complete', count: 2 },
    })
  },
  120_000,
)

/** The API as the leader of a process group of its own. */
async function startGroup(environment: Readonly<Record<string, string>>) {
  const root = join(import.meta.dirname, '../../..')
  const child = spawn(process.execPath, [join(root, 'src/main.ts')], {
    cwd: root,
    env: { ...programEnvironment(), PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const log: string[] = []
  const ready = Promise.withResolvers<string>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    log.push(line)
    const { msg, url } = JSON.parse(line) as { msg?: string; url?: string }
    if (msg === 'ready' && url !== undefined) ready.resolve(url)
  })
  const end = async (signal: NodeJS.Signals) => {
    const closed = once(child, 'close')
    process.kill(-(child.pid ?? 0), signal)
    return (await closed)[0] as number | null
  }
  return { url: await ready.promise, log, end }
}
