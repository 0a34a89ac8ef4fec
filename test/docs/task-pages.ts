import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { consoleSteps, outputsOf, pattern, type Step } from '../support/docs/transcript.ts'
import { temporaryFolder } from '../support/files/temporary-folder.ts'

export const taskPages = ['run-my-script', 'wait-for-it', 'when-it-fails']

/**
 * Runs each command of the page docs/tasks/<name>.md against the API at `url` and compares what it
 * prints with the page. `adapt` changes the commands where a test can't have what a reader has.
 */
export async function expectTrue(
  name: string,
  { url, token = 'none', adapt = (command) => command }: PageRun,
): Promise<void> {
  const folder = temporaryFolder()
  await mkdir(join(folder, 'data'))
  await writeFile(join(folder, 'data/token'), token)
  const page = await stepsOf(name)
  const steps = (name === first ? page : [...(await begin()), ...page]).map(({ commands, expected }) => ({
    commands: adapt(commands.replace('http://localhost:8888', url)),
    expected,
  }))
  const outputs = await outputsOf(steps, { cwd: folder })
  expect(outputs).toHaveLength(steps.length)
  for (const [index, { commands, expected = '' }] of steps.entries())
    expect(outputs[index], commands).toMatch(pattern(expected))
}

interface PageRun {
  url: string
  token?: string
  adapt?(command: string): string
}

const first = 'run-my-script'

/** The steps of the first page that set TOKEN and JOBFERRY. */
async function begin(): Promise<Step[]> {
  return (await stepsOf(first)).filter(({ commands }) => /^(TOKEN|JOBFERRY)=/.test(commands))
}

async function stepsOf(name: string): Promise<Step[]> {
  return consoleSteps(await readFile(new URL(`../../docs/tasks/${name}.md`, import.meta.url), 'utf8'))
}
