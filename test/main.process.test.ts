import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startApiProcess } from './support/api/api-process.ts'
import { listenForTest } from './support/listen.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobferry-test-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const onCluster = {
  ...{ UPLOADER_IMAGE: 'jobferry', ALLOW_UNAUTHENTICATED: '1' },
  ...{ S3_ENDPOINT: 'http://127.0.0.1:9', S3_ACCESS_KEY: 'a', S3_SECRET_KEY: 's' },
}

describe('the program does not start, says why in one line, and ends with exit code 2', () => {
  it('for a misspelt setting', async () => {
    const refusal = await refusalOf({ S3_ENDPONT: 'http://minio:9000' })
    expect(refusal).toBe('settings: S3_ENDPONT: is no setting; expected S3_ENDPOINT')
  })

  it.each(['PORT', 'PROBE_PORT'])('for a port of %s that is in use', async (name) => {
    const { port } = new URL(await listenForTest(createServer()))
    const refusal = await refusalOf({ PORT: '0', [name]: port })
    expect(refusal).toContain(`settings: ${name}: another program listens on port ${port} of 127.0.0.1;`)
  })

  it.each([
    ['is missing', undefined, 'ENOENT: no such file or directory'],
    ['is empty', '', 'expected one kubeconfig file'],
    ['is no YAML', 'clusters: [\n', 'expected one kubeconfig file'],
    ['is something else', 'a: 1\n', 'expected one kubeconfig file'],
    ['has no current context', kubeconfig('other'), 'its current context names no cluster'],
  ])('for a kubeconfig that %s', async (_, content, expected) => {
    const file = join(folder, 'kubeconfig')
    if (content !== undefined) await writeFile(file, content)
    const refusal = await refusalOf({ ...onCluster, KUBECONFIG: file })
    expect(refusal).toContain(`settings: KUBECONFIG ${file}: `)
    expect(refusal).toContain(expected)
  })

  it('for a DATA_DIRECTORY that another API holds', async () => {
    const api = await startApiProcess({ DATA_DIRECTORY: join(folder, 'data') })
    try {
      expect(await refusalOf({})).toContain('settings: DATA_DIRECTORY: ')
    } finally {
      await api.stop()
    }
  })

  it('for a file of a configured job, or of the datasets, that is wrong', async () => {
    await mkdir(join(folder, 'jobs'))
    await writeFile(join(folder, 'jobs/train.yml'), 'comand: [date]\n')
    const inJob = await refusalOf({ JOBS_DIRECTORY: join(folder, 'jobs') })
    expect(inJob).toContain('train.yml: comand: is unknown; expected command (one of ')
    await writeFile(join(folder, 'datasets.yaml'), 'datasets: [\n')
    const inDatasets = await refusalOf({ DATASETS_FILE: join(folder, 'datasets.yaml') })
    expect(inDatasets).toContain(`DATASETS_FILE ${join(folder, 'datasets.yaml')}: `)
  })
})

it('the program warns at start of a variable that looks like a setting', async () => {
  const api = await startApiProcess({
    ...{ DATA_DIRECTORY: join(folder, 'data'), S3_ENDPOINT_URL: 'http://s3.example' },
  })
  expect(await api.stop()).toBe(0)
  const warnings = api.log.filter((line) => line.includes('S3_ENDPOINT_URL is no setting'))
  expect(warnings).toHaveLength(1)
})

it('a SIGTERM that npm and the service manager both send ends the program in order', async () => {
  const api = await startApiProcess({ DATA_DIRECTORY: join(folder, 'data') })
  const sendAfter = (milliseconds: number) => delay(milliseconds).then(() => api.stop())
  await Promise.all([0, 1, 2, 4, 8].map(sendAfter))
  expect(api.log.join('\n')).toContain('shutting down')
  expect(await readdir(join(folder, 'data/local'))).not.toContain('lock')
})

/** The one line on standard error of a program that ends with exit code 2. */
async function refusalOf(environment: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, ['src/main.ts'], {
    env: { PATH: process.env.PATH, PORT: '0', DATA_DIRECTORY: join(folder, 'data'), ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  expect({ code, errors }).toMatchObject({ code: 2, errors: expect.stringMatching(/^[^\n]+\n$/) })
  return errors.trimEnd()
}

function kubeconfig(currentContext: string): string {
  return JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': currentContext },
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:9' } }],
    users: [{ name: 'u', user: {} }],
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
  })
}
