import type { Command } from 'commander'
import type { Define } from '../define.ts'
import { listInputs, putInputs, removeInputs } from './input-commands.ts'

export function addInputCommands(program: Command, define: Define): void {
  const inputs = program
    .command('inputs')
    .description('files that the server keeps as inputs of several jobs')
  define(inputs.command('list').description('show what is kept: size, time, name'), (session) =>
    listInputs(session),
  )
  define(
    inputs
      .command('put <file...>')
      .description(
        'keep files, in the place of those of the same names; jobs take them by --input upload:NAME',
      )
      .option('--name <name>', 'name of the one file (default: its own)'),
    (session, files, options) => putInputs(session, files, options),
  )
  define(
    inputs.command('delete <name...>').description('remove kept files; jobs that took them keep them'),
    (session, names) => removeInputs(session, names),
  )
}
