import type { Command } from 'commander'
import { usageError } from '../exit-codes.ts'

/** A command's name, what it is for, and its options' long names. */
interface Words {
  name: string
  about: string
  options: string[]
}

const shells: Record<string, (commands: readonly Words[], common: readonly string[]) => string> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

/** The script that completes commands and options in a shell. Throws for an unknown shell. */
export function completionScript(program: Command, shell: string): string {
  const script = Object.hasOwn(shells, shell) ? shells[shell] : undefined
  if (script === undefined)
    throw usageError(`completion ${shell}: is no known shell; expected bash, zsh or fish`)
  const commands = program.commands.map((command) => ({
    name: command.name(),
    about: command.description(),
    options: optionsOf(command),
  }))
  return script(commands, [...optionsOf(program), '--help'])
}

function optionsOf(command: Command): string[] {
  return command.options.flatMap(({ long }) => long ?? [])
}

function bashScript(commands: readonly Words[], common: readonly string[]): string {
  const cases = commands.map(
    ({ name, options }) => `    ${name}) words="${[...options, ...common].join(' ')}" ;;`,
  )
  return `# source <(jobferry completion bash)
_jobferry() {
  local word=\${COMP_WORDS[COMP_CWORD]} words="" command="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in -*) ;; *) command=\${COMP_WORDS[i]}; break ;; esac
  done
  case $command in
    "") words="${[...commands.map(({ name }) => name), ...common].join(' ')}" ;;
${cases.join('\n')}
  esac
  COMPREPLY=()
  if [[ -z $command || $word == -* ]]; then COMPREPLY=($(compgen -W "$words" -- "$word")); fi
}
complete -o default -F _jobferry jobferry`
}

function zshScript(commands: readonly Words[], common: readonly string[]): string {
  const names = commands.map(({ name, about }) => `    ${quoted(`${name}:${about}`)}`)
  const cases = commands.map(
    ({ name, options }) => `    ${name}) compadd -- ${[...options, ...common].join(' ')} ;;`,
  )
  return `#compdef jobferry
# source <(jobferry completion zsh)
_jobferry() {
  local -a names
  names=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then _describe command names; return; fi
  if [[ $PREFIX != -* ]]; then _files; return; fi
  case $words[2] in
${cases.join('\n')}
  esac
}
compdef _jobferry jobferry`
}

function fishScript(commands: readonly Words[], common: readonly string[]): string {
  const lines = commands.flatMap(({ name, about, options }) => [
    `complete -c jobferry -n __fish_use_subcommand -f -a ${name} -d ${quoted(about)}`,
    ...options.map((option) => {
      return `complete -c jobferry -n "__fish_seen_subcommand_from ${name}" -l ${option.slice(2)}`
    }),
  ])
  const shared = common.map((option) => `complete -c jobferry -l ${option.slice(2)}`)
  return ['# jobferry completion fish | source', ...lines, ...shared].join('\n')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
