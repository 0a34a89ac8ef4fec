import type { Command } from 'commander'
import type { Define } from '../define.ts'
import { completionScript } from './completion.ts'
import { configCheck } from './config-check.ts'
import { open } from './open.ts'
import { serve } from './serve.ts'
import { checkServerSettings, showServerSettings } from './server-settings.ts'

export function addSetupCommands(program: Command, define: Define): void {
  define(
    program.command('open <job> [path]').description('show a job, or a file of its result, in a browser'),
    (session, [id = '', path]) => open(session, id, path),
  )
  define(
    program
      .command('serve')
      .description('start a server; settings come from the environment and jobferry.yaml (docs/settings.md)'),
    () => serve(),
  )
  const config = program
    .command('config')
    .description('the configuration of this command line, and of a server')
  define(
    config
      .command('check [file]')
      .description(
        "say which server and token are used, and whether they work; of a server's settings file, whether it would start",
      ),
    (session, [file]) => (file === undefined ? configCheck(session) : checkServerSettings(session, file)),
  )
  define(
    config
      .command('show [file]')
      .description("a server's settings, from its settings file and the environment; secrets are hidden"),
    (session, [file]) => showServerSettings(session, file),
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
