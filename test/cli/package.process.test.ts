import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { startEmbedded } from '../support/api/embedded.ts'
import { temporaryFolder } from '../support/files/temporary-folder.ts'
import { run } from '../support/run.ts'

const root = join(import.meta.dirname, '../..')

it('npx of the packed tarball runs a job with the Node of the machine, and has the client library', async () => {
  const api = await startEmbedded({
    default: 'command: [sh, -c, "echo hello > $RESULT_DIRECTORY/hello.txt"]',
  })
  onTestFinished(() => api.remove())
  const checkout = copyOfCheckout()
  const manifest = readFileSync(join(checkout, 'package.json'), 'utf8')
  await run('npm', ['pack', '--silent'], { cwd: checkout })
  expect(readFileSync(join(checkout, 'package.json'), 'utf8')).toBe(manifest)
  const tarball = readdirSync(checkout).find((name) => name.endsWith('.tgz')) ?? ''

  const folder = temporaryFolder()
  writeFileSync(join(folder, 'package.json'), '{}')
  // Without the network: nothing else is needed.
  const npm = ['--offline', '--no-audit', '--no-fund', '--cache', join(folder, 'npm'), '--no-update-notifier']
  const onMachine = (program: string, args: string[]) =>
    run('env', [`PATH=${pathOfMachine()}`, program, ...args], { cwd: folder })
  const spec = join(checkout, tarball)
  const out = await onMachine('npx', [
    ...npm,
    '--yes',
    '-p',
    spec,
    'jobferry',
    'run',
    '-o',
    'got',
    '--server',
    api.url,
  ])
  expect(out).toBe(`${join(folder, 'got')}\n`)
  expect(readFileSync(join(folder, 'got/hello.txt'), 'utf8')).toBe('hello\n')

  await onMachine('npm', ['install', ...npm, spec])
  expect(readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
    'jobferry',
  ])
  const types = readFileSync(join(folder, 'node_modules/jobferry/dist/client/client.d.ts'), 'utf8')
  expect(types).toContain('export declare class Jobferry')
  const script = `import { Jobferry } from 'jobferry/client'
    for await (const job of new Jobferry({ server: '${api.url}' }).list()) console.log(job.state)`
  expect(await onMachine('node', ['--input-type=module', '--eval', script])).toBe('succeeded\n')
})

/** npm writes into the folder that it packs. */
function copyOfCheckout(): string {
  const folder = join(temporaryFolder(), 'checkout')
  mkdirSync(folder)
  const files = ['package.json', 'build.ts', 'slim-package.ts', 'tsconfig.json', 'README.md', 'LICENSE']
  for (const name of [...files, 'src', 'sidecar', 'manifests/jobs', 'docs/cli.md']) {
    cpSync(join(root, name), join(folder, name), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

/** Without the programs of this checkout, so without the Node 24 that it has. */
function pathOfMachine(): string {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.filter((path) => !path.includes('node_modules')).join(delimiter)
}
