import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run, succeeds } from './run.ts'

const cache = join(import.meta.dirname, '../../node_modules/.cache')

/**
 * The Python of an environment with this version of a package from PyPI, and newest ones of `others`, which
 * import as `modules`. It is installed at the first use.
 */
export async function pythonWith(
  name: string,
  version: string,
  modules = name,
  others: readonly string[] = [],
): Promise<string> {
  const environment = join(cache, `${name}-${version}`)
  const python = join(environment, 'bin/python')
  if (await succeeds(python, ['-c', `import ${modules}`], 30_000)) return python
  const made = `${environment}.${process.pid}`
  await mkdir(cache, { recursive: true })
  await makeEnvironment(made)
  await run(join(made, 'bin/pip'), ['install', '--quiet', '--no-input', `${name}==${version}`, ...others])
  await rm(environment, { recursive: true, force: true })
  // A rename, so that an interrupted installation is never used.
  // `bin/python` works in any folder.
  await rename(made, environment)
  return python
}

async function makeEnvironment(folder: string): Promise<void> {
  const args = ['-m', 'venv', folder]
  if (await succeeds('python3', args, 60_000)) return
  // Debian's python3 lacks the module that makes environments.
  if (process.getuid?.() === 0) await run('apt-get', ['install', '-y', '-qq', 'python3-venv'])
  await run('python3', args)
}
