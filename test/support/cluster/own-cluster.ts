import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'

/** Brings up test/cluster, fast if it is up already; resolves with the settings that it prints. */
export async function bringUpCluster(): Promise<Record<string, string>> {
  console.log(
    'tests: bringing up test/cluster; the first time builds Kubernetes and MinIO, which takes minutes',
  )
  return parseExports(await readFile((await output('test/cluster/up', [])).trim(), 'utf8'), process.env)
}

/** Builds the Dockerfile and loads the image into test/cluster. */
export async function buildImage(name: string): Promise<void> {
  console.log(`tests: building ${name}`)
  await output('test/cluster/build-image', [name, '.'])
}

/** Parses lines of `export NAME=VALUE`; `$PATH` in a value becomes the environment's PATH. */
export function parseExports(lines: string, environment: NodeJS.ProcessEnv): Record<string, string> {
  const found = lines.matchAll(/^export ([A-Z0-9_]+)=(.*)$/gm)
  return Object.fromEntries(
    Array.from(found, ([, name = '', value = '']) => [
      name,
      value.replaceAll('$PATH', environment.PATH ?? ''),
    ]),
  )
}

/** Runs a program and shows its standard error; resolves with its standard output. */
async function output(program: string, args: string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}`)
  return printed
}
