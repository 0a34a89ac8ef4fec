import type { Command } from 'commander'
import type { Define } from '../define.ts'
import { cancel, list, logs, remove, status, wait } from './job-commands.ts'

export function addJobCommands(program: Command, define: Define): void {
  define(
    program
      .command('list')
      .description('show jobs, the newest first')
      .option('-n, --limit <n>', 'number of jobs', '20'),
    (session, _, options) => list(session, options as { limit: string }),
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
}
