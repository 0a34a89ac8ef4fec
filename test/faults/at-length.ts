import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'

/**
 * `npm run faults [-- --rounds 5 --seconds 90] [-- file name …]`: repeats every fault at random
 * moments with long outages, and prints a closing table of the faults and their outcomes.
 */
const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '90' } },
  allowPositionals: true,
})
for (const [name, value] of Object.entries(values)) {
  if (!/^[1-9]\d*$/.test(value)) throw new Error(`--${name} is ${value}: expected a number from 1 on`)
}
const files = positionals.length > 0 ? positionals : ['test/faults/', 'test/e2e/kill-api.test.ts']
const vitest = spawn(
  'vitest',
  ['run', '--reporter=verbose', '--reporter=./test/faults/table-reporter.ts', ...files],
  {
    stdio: 'inherit',
    env: { ...process.env, FAULTS_ROUNDS: values.rounds, FAULTS_SECONDS: values.seconds },
  },
)
const [code] = (await once(vitest, 'exit')) as [number | null]
process.exitCode = code ?? 1
