import type { Command } from 'commander'
import type { Define } from '../define.ts'
import { completionScript } from './completion.ts'
import { configCheck } from './config-check.ts'
import { open } from './open.ts'
import { serve } from './serve.ts'

export function addSetupCommands(program: Command, define: Define): void {
  define(
    program.command('open <job> [path]').description('show a job, or a file of its result, in a browser'),
    (session, [id = '', path]) => open(session, id, path),
  )
  define(
    program
      .command('serve')
      .description('start a server; settings come from the environment (docs/settings.md)'),
    () => serve(),
  )
  const config = program.command('config').description('the configuration of this command line')
  define(
    config.command('check').description('say which server and token are used, and whether they work'),
    (session) => configCheck(session),
  )
  define(
    program
      .command('completion <shell>')
      .description('print the script that completes commands in bash, zsh or fish'),
    async ({ out }, [shell = '']) => {
      out.line(completionScript(program, shell))
      return 0
    },
  )
}
