import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { programEnvironment } from '../program-environment.ts'

export interface CliResult {
  code: number | null
  out: string
  err: string
}

const main = join(import.meta.dirname, '../../../src/cli/main.ts')

/** Starts the command line as a process of its own, in a folder. */
export function startCli(
  args: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>> = {},
): ChildProcessWithoutNullStreams {
  // HOME has no config file of the person who runs the tests.
  const env = { ...programEnvironment(), HOME: cwd, ...environment }
  return spawn(process.execPath, [main, ...args], { cwd, env })
}

/** Resolves with what a started command line says, once it has ended. */
export async function cliResult(child: ChildProcessWithoutNullStreams): Promise<CliResult> {
  const ended = once(child, 'exit') as Promise<[number | null]>
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code, out, err }
}

/** Runs the command line in a folder. */
export async function runCli(
  args: readonly string[],
  cwd: string,
  environment?: Readonly<Record<string, string>>,
): Promise<CliResult> {
  const child = startCli(args, cwd, environment)
  child.stdin.end()
  return await cliResult(child)
}
