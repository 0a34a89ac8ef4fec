import type { Command } from 'commander'
import { collect, type Define } from '../define.ts'
import { rerun } from './rerun.ts'
import { run } from './run/run.ts'
import type { RunOptions } from './run/run-options.ts'
import { submit } from './submit.ts'

export function addStartCommands(program: Command, define: Define): void {
  const running = requestOptions(program.command('run [command...]'))
    .description('start a job, show its log, fetch its files, and end with its exit code')
    .option('-o, --output <dir>', 'folder for its files (default: results-<first digits of the id>)')
    .option('--no-output', 'leave its files on the server')
    .option('--no-log', 'do not show its log')
    .option('--parallel <n>', 'requests at once while its files are fetched (default: 8)')
    .addHelpText('after', examples)
  addSeveral(running)
  define(running, (session, args, options) => run(session, options as RunOptions, args))

  const submitting = requestOptions(program.command('submit [command...]')).description(
    'start a job and print its id',
  )
  addSeveral(submitting)
  define(submitting, (session, args, options) => submit(session, options, args))

  const repeating = requestOptions(program.command('rerun <job> [command...]'), false).description(
    'start a job of the request and the inputs of another one, and print its id',
  )
  repeating.option(
    '--from <step>',
    'go on at a step (`failed`: the one that failed), with what had been stored',
  )
  define(repeating, (session, args, options) => rerun(session, args, options))
}

const examples = `
Examples:
  jobferry run                                          the configured job \`default\`
  jobferry run --job showcase -o pictures
  jobferry run --image python:3.13 --input plot.py --input data/ -- python /input/plot.py
  jobferry run -f request.yaml --set memory=8Gi -e SEED=42

Ctrl-C once asks whether to cancel the job (without a terminal it cancels); twice leaves it running.`

/** Options of several jobs, and the flags of the submission helper. */
function addSeveral(command: Command): void {
  command
    .option('--payloads <file>', 'a command for bash a line (`-`: standard input): a job for each')
    .option('--max-concurrent <n>', 'most jobs of --payloads at once')
    .option('--debug', 'show the requests that would be sent, and send nothing')
    .option('--k8s-image <image>', 'as --image; with one of these four the command is run by `bash -cl`')
    .option('--k8s-registry-secret <name>', 'of the registry (default: sh-k8s-registry-secret)')
    .option('--k8s-volume-claim <name>', 'volume claim that is mounted (default: ntuples-claim)')
    .option('--k8s-mount-path <path>', 'where it is mounted (default: /ntuples)')
}

/** The options that make a request; those that send files, too, if `withInputs`. */
function requestOptions(command: Command, withInputs = true): Command {
  if (withInputs) {
    command.option(
      '--input <path...>',
      'files, and folders with all below them: /input has them; or addresses, such as upload:NAME or https://…',
    )
  }
  return command
    .option(
      '-f, --file <file>',
      'a request in JSON or YAML (`-`: standard input); options replace its fields',
    )
    .option('-j, --job <name>', 'a configured job to start from')
    .option('-p, --param <NAME=VALUE>', 'a parameter of the configured job, any number of times', collect)
    .option('--name <name>', 'a name for people, which list finds')
    .option('-l, --label <key=value>', 'a label, any number of times', collect)
    .option('-i, --image <image>', "the worker's image")
    .option(
      '-e, --env <NAME=VALUE>',
      'a variable, any number of times; NAME alone: as in this shell',
      collect,
    )
    .option('--cpu <cpu>', 'such as 500m or 2')
    .option('--memory <size>', 'such as 512Mi')
    .option('--gpu <n>', 'number of GPUs')
    .option('--timeout <seconds>', "longest time from the worker's start")
    .option('--retries <n>', 'further attempts after the worker has failed')
    .option('--set <field=value>', 'any other field of docs/fields.md; the value in YAML or JSON', collect)
    .option('--idempotency-key <key>', 'a repeated call with the same key makes no second job')
}
