import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { programEnvironment } from '../program-environment.ts'

/** Commands of a document and what the document says that they print. */
export interface Step {
  commands: string
  /** `…` stands for any text. Undefined: the document says nothing of it. */
  expected: string | undefined
}

/**
 * The steps of a Markdown text's `console` blocks: `$ ` begins a command, `> ` continues it, all
 * other lines are its output.
 */
export function consoleSteps(markdown: string): Step[] {
  const blocks = [...markdown.matchAll(/^```console\n(.*?)^```$/gms)].map(([, block = '']) => block)
  const steps: { commands: string[]; expected: string[] }[] = []
  for (const line of blocks.flatMap((block) => block.trimEnd().split('\n'))) {
    if (line.startsWith('$ ')) steps.push({ commands: [line.slice(2)], expected: [] })
    else if (line.startsWith('> ')) steps.at(-1)?.commands.push(line.slice(2))
    else steps.at(-1)?.expected.push(line)
  }
  return steps.map(({ commands, expected }) => ({
    commands: commands.join('\n'),
    expected: expected.join('\n'),
  }))
}

/** The steps of a script in which lines that begin with `# → ` are what the lines before them print. */
export function scriptSteps(script: string): Step[] {
  const pieces = `${script}\n`.matchAll(/((?:^(?!# → ).*\n)+)((?:^# → .*\n)*)/gm)
  return Array.from(pieces, ([, commands = '', output = '']) => ({
    commands: commands.trim(),
    expected: output === '' ? undefined : output.replaceAll(/^# → /gm, '').trimEnd(),
  })).filter(({ commands }) => commands !== '')
}

/**
 * Runs the steps in one bash and resolves with what each printed, without its last line end. With
 * `strict` it rejects at the first command that fails.
 */
export async function outputsOf(
  steps: readonly Step[],
  { cwd, strict = false }: { cwd: string; strict?: boolean },
): Promise<string[]> {
  const end = '=== end of a step ==='
  const script = steps.map(({ commands }) => `${commands}\necho '${end}'`).join('\n')
  const options = strict ? ['-euo', 'pipefail'] : []
  const bash = spawn('bash', [...options, '-c', script], {
    cwd,
    // Without the test cluster's settings, which a program that the steps start would take.
    env: programEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [printed, [code]] = await Promise.all([text(bash.stdout), once(bash, 'exit')])
  const outputs = printed.split(`${end}\n`).slice(0, -1)
  if (strict && code !== 0) {
    throw new Error(`exit code ${code} of ${steps[outputs.length]?.commands}\n${printed}`)
  }
  return outputs.map((output) => output.replace(/\n$/, ''))
}

/** Matches a text in which `…` stands for any text. */
export function pattern(expected: string): RegExp {
  const parts = expected.split('…').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*?')}$`, 's')
}
