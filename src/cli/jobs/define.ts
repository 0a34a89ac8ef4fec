import type { Command } from 'commander'
import { collect, type Define } from '../define.ts'
import { showCatalogue } from './catalogue-commands.ts'
import { cancel, type ListCommandOptions, list, logs, remove, status, wait } from './job-commands.ts'

export function addJobCommands(program: Command, define: Define): void {
  define(
    program
      .command('list')
      .description('show jobs, the newest first')
      .option('-n, --limit <n>', 'number of jobs', '20')
      .option('--state <states>', 'such as running, or failed,canceled')
      .option('-j, --job <name>', 'of a configured job')
      .option('--name <name>', 'with this name')
      .option('-l, --label <key=value>', 'with this label, any number of times', collect)
      .option('--since <time>', 'created then or later: 2026-11-29T06:00:00Z')
      .option('--until <time>', 'created before'),
    (session, _, options) => list(session, options as ListCommandOptions),
  )
  define(program.command('status <job>').description('show a job'), (session, [id = '']) =>
    status(session, id),
  )
  define(
    program
      .command('wait <job>')
      .description("wait for a job's end, and end with its exit code")
      .option('--timeout <seconds>', 'longest time (exit code 75)'),
    (session, [id = ''], options) => wait(session, id, options),
  )
  define(
    program
      .command('logs <job>')
      .description("print a job's log")
      .option('-f, --follow', "go on up to the job's end, over steps and attempts")
      .option('--tail <n>', 'the last lines alone')
      .option('--step <name>', 'of one step')
      .option('--attempt <n>', 'of an earlier attempt')
      .option('--container <name>', 'worker or uploader'),
    (session, [id = ''], options) => logs(session, id, options),
  )
  define(
    program.command('cancel <job...>').description('stop jobs, and keep what they had produced'),
    (session, ids) => cancel(session, ids),
  )
  define(
    program.command('delete <job...>').description('stop jobs, and remove all of them'),
    (session, ids) => remove(session, ids),
  )
  define(
    program.command('jobs [name]').description('show the configured jobs, or one with its parameters'),
    (session, [name]) => showCatalogue(session, name),
  )
}
