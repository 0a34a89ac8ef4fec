import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'

/**
 * `npm run soak [-- --minutes 60 --beside 'tsc --noEmit']`: runs mixed work under random faults and
 * prints a closing table. Meanwhile it runs the command of `--beside` again and again.
 */
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, beside: { type: 'string' } },
})
if (!(Number(values.minutes) > 0))
  throw new Error(`--minutes is ${values.minutes}: expected a number above 0`)
const vitest = spawn('vitest', ['run', 'test/faults/soak/soak.outage.test.ts'], {
  stdio: 'inherit',
  env: { ...process.env, SOAK_SECONDS: String(Math.round(Number(values.minutes) * 60)) },
})
const ended = once(vitest, 'exit') as Promise<[number | null]>
if (values.beside !== undefined) await repeat(values.beside, vitest)
const [code] = await ended
process.exitCode = code ?? 1

async function repeat(command: string, until: ChildProcess): Promise<void> {
  const isOver = () => until.exitCode !== null || until.signalCode !== null
  let beside: ChildProcess | undefined
  until.once('exit', () => beside?.kill())
  for (let runs = 0; ; runs++) {
    if (isOver()) return console.info(`beside it, ${command} ran ${runs} times`)
    beside = spawn('bash', ['-c', `exec ${command}`], { stdio: ['ignore', 'ignore', 'inherit'] })
    const [code] = (await once(beside, 'exit')) as [number | null]
    if (code !== 0 && !isOver()) throw new Error(`--beside ${command} ended with ${code}`)
  }
}
