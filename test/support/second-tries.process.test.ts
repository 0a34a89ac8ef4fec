import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from './files/temporary-folder.ts'

it('names a test that passes at its second try, with its error, and lets the run pass', async () => {
  const run = await runWith(1)
  expect(run.exitCode, run.output).toBe(0)
  expect(run.output).toMatch(
    /passed at the second try: 1 of 2 tests\n {2}some\.test\.ts > flaky 0\n.*first try of 0/,
  )
})

it('fails a run with four tests that needed a second try', async () => {
  const run = await runWith(4)
  expect(run.exitCode, run.output).toBe(1)
  expect(run.output).toContain('more than 3 second tries: the run fails')
})

/** Runs Vitest on one right test and `count` that fail at their first try. */
async function runWith(count: number): Promise<{ exitCode: number; output: string }> {
  const folder = temporaryFolder()
  await writeFile(join(folder, 'vitest.config.js'), 'export default {}')
  await writeFile(
    join(folder, 'some.test.ts'),
    `const tries = {}
    it('right', () => {})
    for (let i = 0; i < ${count}; i++) it('flaky ' + i, () => {
      tries[i] = (tries[i] ?? 0) + 1
      if (tries[i] === 1) throw new Error('first try of ' + i)
    })`,
  )
  const reporter = join(import.meta.dirname, 'second-tries.ts')
  const args = ['run', '--root', folder, '--globals', '--retry=1', '--reporter=dot', `--reporter=${reporter}`]
  return new Promise((resolve) => {
    const child = execFile('vitest', args, (_, stdout, stderr) => {
      resolve({ exitCode: child.exitCode ?? 1, output: stdout + stderr })
    })
  })
}
