import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { expect, it, onTestFinished } from 'vitest'
import { attemptFolders } from '../../../src/backends/local/files/job-folders.ts'
import { mergeRequest } from '../../../src/job/request/request-merge.ts'
import { loadConfiguredJobs } from '../../../src/lifecycle/deploy/configured-jobs.ts'
import { createLog } from '../../../src/util/log.ts'
import { planFor } from '../../job/backend-under-test.ts'
import { hasEnded, until } from '../../job/live-jobs.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { run } from '../../support/run.ts'
import { startBackend } from './setup.ts'

it('the default job writes a greeting', async () => {
  const results = await resultsOf('default')
  expect(await readFile(join(results, 'hello.txt'), 'utf8')).toMatch(/^Hello from .*\n$/)
})

it('the showcase job writes a report, a picture, random bytes, checksums, an empty folder and a link', async () => {
  const results = await resultsOf('showcase')
  expect(await run('sha256sum', ['--check', 'SHA256SUMS'], { cwd: results })).toBe(
    'data/random.bin: OK\npictures/mandelbrot.png: OK\nreport.txt: OK\n',
  )
  expect(await readdir(join(results, 'empty'))).toEqual([])
  expect((await lstat(join(results, 'latest.png'))).isSymbolicLink()).toBe(true)

  const png = await readFile(join(results, 'latest.png'))
  expect(png.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n')
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)]
  const idat = png.indexOf('IDAT')
  const pixels = inflateSync(png.subarray(idat + 4, idat + 4 + png.readUInt32BE(idat - 4)))
  expect(pixels.length).toBe((width * 3 + 1) * height)
})

it('the pipeline job organizes what it computed into a page, its logs and tables', async () => {
  const results = await resultsOf('pipeline')
  expect(await readdir(join(results, 'docs/logs'))).toEqual(['compute.txt', 'organize.txt', 'stage.txt'])
  const page = await readFile(join(results, 'docs/README.html'), 'utf8')
  expect(page).toContain('<h1>Measurements</h1>')
  for (const [, path = ''] of page.matchAll(/href="([^"]+)"/g)) {
    expect((await lstat(join(results, 'docs', path))).isFile(), path).toBe(true)
  }
  const statistics: unknown = JSON.parse(await readFile(join(results, 'data/statistics.json'), 'utf8'))
  expect(statistics).toMatchObject({ count: 1000, mean: 11.7323 })
})

async function resultsOf(name: string): Promise<string> {
  const folder = temporaryFolder()
  const jobs = await loadConfiguredJobs(
    join(import.meta.dirname, '../../../manifests/jobs'),
    createLog('test', 'silent'),
  )
  onTestFinished(() => jobs.close())
  const backend = await startBackend(folder)
  const plan = planFor(mergeRequest({ configured: jobs.get(name) }))
  await backend.create(plan)
  const { observation } = await until(backend, plan.uuid, hasEnded)
  expect(observation.attempt?.worker.exitCode).toBe(0)
  return attemptFolders(join(folder, 'local'), plan.uuid, observation.attempt?.uid ?? '').result
}
