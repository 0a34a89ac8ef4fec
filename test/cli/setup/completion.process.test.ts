import { expect, it } from 'vitest'
import { createProgram } from '../../../src/cli/program.ts'
import { completionScript } from '../../../src/cli/setup/completion.ts'
import { run } from '../../support/run.ts'

const program = createProgram('0', async () => {})

it.each([
  ['jobferry ', 1, 'run\n'],
  ['jobferry --json st', 2, 'status\n'],
  ['jobferry get --par', 2, '--parallel\n'],
  ['jobferry get --qu', 2, '--quiet\n'],
])('bash completes %j', async (line, at, expected) => {
  const words = line.split(' ').map((word) => `'${word}'`)
  const ask = `COMP_WORDS=(${words.join(' ')}) COMP_CWORD=${at}; _jobferry; printf '%s\\n' "\${COMPREPLY[@]}"`
  expect(await run('bash', ['-c', `${completionScript(program, 'bash')}\n${ask}`])).toContain(expected)
})

it.each(['zsh', 'fish'])('%s has each command', (shell) => {
  const script = completionScript(program, shell)
  const names = program.commands.map((command) => command.name())
  expect(names.filter((name) => !script.includes(` ${name} `) && !script.includes(`'${name}:`))).toEqual([])
})

it('another shell is refused', () => {
  expect(() => completionScript(program, 'tcsh')).toThrow('expected bash, zsh or fish')
})
