import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it, onTestFinished } from 'vitest'
import { getJson, waitForFinal } from './support/api/http.ts'
import { temporaryFolder } from './support/files/temporary-folder.ts'
import { programEnvironment } from './support/program-environment.ts'

const root = join(import.meta.dirname, '..')

it('npm start runs the default job with what npm ci --omit=dev installs, and no more', async () => {
  const folder = temporaryFolder()
  for (const name of ['package.json', 'package-lock.json', 'src', 'sidecar', 'manifests']) {
    cpSync(join(root, name), join(folder, name), { recursive: true })
  }
  installWithoutDev(folder)
  expect(existsSync(join(folder, 'node_modules/vitest'))).toBe(false)

  const url = await npmStart(folder)
  const { job_uuid } = await getJson<{ job_uuid: string }>(`${url}/job/deploy`)
  const job = await waitForFinal(url, job_uuid)
  expect(job).toMatchObject({ state: 'succeeded', result: { state: 'complete' } })
  const { files } = await getJson<{ files: { path: string; size: number; href: string }[] }>(
    `${url}/job/${job_uuid}/result/list`,
  )
  expect(files.length).toBeGreaterThan(0)
  for (const { path, size } of files) {
    const file = await fetch(`${url}/job/${job_uuid}/result?file=${encodeURIComponent(path)}`)
    expect([file.status, (await file.bytes()).length]).toEqual([200, size])
  }
})

/**
 * Puts the packages of package-lock.json that are not `dev` into `node_modules`, as npm ci
 * --omit=dev does, from those that are installed: without the network, and without copies of their
 * bytes where both folders lie on one disk.
 */
function installWithoutDev(folder: string): void {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: true; optional?: true }>
  }
  // Packages of other machines are optional; a package's own node_modules comes with it.
  const kept = Object.entries(lock.packages)
    .filter(([path, { dev, optional }]) => !dev && (!optional || existsSync(join(root, path))))
    .map(([path]) => path)
    .filter((path) => /^node_modules\/(?:@[^/]+\/)?[^/]+$/.test(path))
  for (const [parent, paths] of Map.groupBy(kept, dirname)) {
    const [from, to] = [paths.map((path) => join(root, path)), join(folder, parent)]
    mkdirSync(to, { recursive: true })
    try {
      execFileSync('cp', ['-al', ...from, to], { stdio: 'ignore' })
    } catch {
      execFileSync('cp', ['-a', ...from, to])
    }
  }
  const node = 'node_modules/.bin/node'
  mkdirSync(join(folder, dirname(node)))
  symlinkSync(readlinkSync(join(root, node)), join(folder, node))
}

/** Resolves with the API's address once it is ready; it ends with the test. */
async function npmStart(folder: string): Promise<string> {
  const npm = spawn('npm', ['start'], {
    cwd: folder,
    env: {
      ...programEnvironment(),
      ...{ PORT: '0', DATA_DIRECTORY: join(folder, 'data') },
      ...{ npm_config_cache: join(folder, 'npm'), npm_config_update_notifier: 'false' },
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const ended = once(npm, 'exit')
  onTestFinished(async () => {
    process.kill(-(npm.pid ?? 0), 'SIGTERM')
    await ended
  })
  for await (const line of createInterface({ input: npm.stdout })) {
    if (!line.startsWith('{')) continue
    const { msg, url } = JSON.parse(line) as { msg?: string; url?: string }
    if (msg === 'ready' && url !== undefined) return url
  }
  throw new Error(`npm start ended with ${(await ended)[0]}`)
}
