import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'

/** `npm run soak [-- --minutes 60]`: mixed work with random faults, and a closing table. */
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } })
if (!(Number(values.minutes) > 0))
  throw new Error(`--minutes is ${values.minutes}: expected a number above 0`)
const vitest = spawn('vitest', ['run', 'test/faults/soak.outage.test.ts'], {
  stdio: 'inherit',
  env: { ...process.env, SOAK_SECONDS: String(Math.round(Number(values.minutes) * 60)) },
})
const [code] = (await once(vitest, 'exit')) as [number | null]
process.exitCode = code ?? 1
