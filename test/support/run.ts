import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Runs a program and gives its standard output; rejects with its standard error unless it exits 0. */
export async function run(
  program: string,
  args: readonly string[],
  options: { input?: string; cwd?: string; timeout?: number } = {},
): Promise<string> {
  const running = execute(program, args, {
    maxBuffer: 256 * 1024 * 1024,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.timeout !== undefined && { timeout: options.timeout }),
  })
  // A program that ends without reading its input has its exit code to say why.
  running.child.stdin?.on('error', () => undefined)
  running.child.stdin?.end(options.input ?? '')
  try {
    return (await running).stdout
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    throw new Error(`${program} ${args.join(' ')}: ${stderr?.trim() || String(error)}`, { cause: error })
  }
}

/** Whether a program exits 0. */
export async function succeeds(program: string, args: readonly string[], timeout: number): Promise<boolean> {
  try {
    await run(program, args, { timeout })
    return true
  } catch {
    return false
  }
}
