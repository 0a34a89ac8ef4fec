import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { defined } from '../../src/util/objects.ts'

const execute = promisify(execFile)

/**
 * Runs a program; resolves with its standard output, rejects with
 * its standard error unless it exits 0.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: { input?: string; cwd?: string; timeout?: number } = {},
): Promise<string> {
  const running = execute(program, args, {
    maxBuffer: 256 * 1024 * 1024,
    ...defined({ cwd: options.cwd, timeout: options.timeout }),
  })
  // A program may end without reading its input; its exit code then gives the reason.
  running.child.stdin?.on('error', () => undefined)
  running.child.stdin?.end(options.input ?? '')
  try {
    return (await running).stdout
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    throw new Error(`${program} ${args.join(' ')}: ${stderr?.trim() || String(error)}`, { cause: error })
  }
}

/** Resolves with true if a program exits 0 within `timeout` milliseconds. */
export async function succeeds(program: string, args: readonly string[], timeout: number): Promise<boolean> {
  try {
    await run(program, args, { timeout })
    return true
  } catch {
    return false
  }
}
