import { Command, CommanderError } from 'commander'
import type { Define } from './define.ts'
import { exitCodes } from './exit-codes.ts'
import { explainError } from './explain-error.ts'
import { addInputCommands } from './inputs/define.ts'
import { addJobCommands } from './jobs/define.ts'
import { addResultCommands } from './results/define.ts'
import { createSession, type GlobalOptions } from './session/session.ts'
import { addSetupCommands } from './setup/define.ts'
import { addStartCommands } from './start/define.ts'

/** Runs the command line; resolves with its exit code. */
export async function runProgram(args: readonly string[], version: string): Promise<number> {
  let exitCode = 0
  const program = createProgram(version, async (work) => {
    exitCode = await work()
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage
    const { out } = createSession(program.opts<GlobalOptions>())
    const { message, hint, exitCode } = explainError(error)
    if (out.json) out.value({ error: message, ...(hint !== undefined && { hint }), exit_code: exitCode })
    out.warn(`${out.colored('red', 'error:')} ${message}`)
    if (hint !== undefined) out.warn(`       ${hint}`)
    return exitCode
  }
}

/** The program with all commands; `perform` is given the work of the one that is called. */
export function createProgram(
  version: string,
  perform: (work: () => Promise<number>) => Promise<void>,
): Command {
  const program = new Command('jobferry')
    .description('Runs a container on Kubernetes with one command and gives its files back, byte for byte.')
    .version(version)
    .option('--server <url>', 'the server (JOBFERRY_SERVER; default: http://127.0.0.1:8888)')
    .option('--context <name>', 'a server of the config file (JOBFERRY_CONTEXT)')
    .option('--token-file <file>', 'a file with the token (JOBFERRY_TOKEN_FILE; JOBFERRY_TOKEN is the token)')
    .option('--json', 'answers in JSON, for programs')
    .option('-q, --quiet', 'answers and errors alone')
    .option('--no-color', 'no colours, as with NO_COLOR')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(`jobferry help COMMAND` has its options)')
    .addHelpText('after', '\ndocs/cli.md has examples, the config file and the exit codes.')
  const define: Define = (command, action) => {
    command.exitOverride().action(async () => {
      const session = createSession(program.opts<GlobalOptions>())
      await perform(() => action(session, command.args, command.opts()))
    })
  }
  addStartCommands(program, define)
  addJobCommands(program, define)
  addResultCommands(program, define)
  addInputCommands(program, define)
  addSetupCommands(program, define)
  return program
}
