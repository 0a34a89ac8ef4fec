import type { Command } from 'commander'
import type { Define } from '../define.ts'
import { get, ls, verify } from './result-commands.ts'

const soFar: [string, string] = ['--so-far', "before the job's end: what is stored by then"]

export function addResultCommands(program: Command, define: Define): void {
  define(
    program
      .command('ls <job> [prefix]')
      .description("list a job's files: mode, size, time, path")
      .option(...soFar),
    (session, [id = '', prefix], options) => ls(session, id, prefix, options),
  )
  define(
    program
      .command('get <job> [path...]')
      .description(
        "fetch a job's files, or those of some files and folders; the same call goes on after a break",
      )
      .option('-o, --output <dir>', 'folder (default: results-<first digits of the id>); `-` prints one file')
      .option('--wait', "wait for the job's end before")
      .option(...soFar)
      .option('--parallel <n>', 'requests at once (default: 8)'),
    (session, [id = '', ...paths], options) => get(session, id, paths, options),
  )
  define(
    program
      .command('verify <dir>')
      .description('compare the files of a folder that get made with their SHA-256'),
    (session, [directory = '']) => verify(session, directory),
  )
}
