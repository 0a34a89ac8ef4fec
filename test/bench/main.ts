import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { bringUpCluster } from '../support/own-cluster.ts'
import { isReached, type Row, ratio, tableOf } from './measure.ts'
import { topics } from './topics.ts'

/**
 * `npm run bench [-- uploads downloads … --rounds 5 --only '10,000' --json results.json]`: the same work by Jobferry
 * and by its peer in the same minutes, in turn; without a topic all of them. Needs a store and a cluster: KUBECONFIG and
 * S3_ENDPOINT with its keys, else test/cluster is brought up.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
if (!(rounds >= 1)) throw new Error(`--rounds is ${values.rounds}: expected a number from 1 on`)
const names = topics.map(({ name }) => name)
const unknown = positionals.filter((name) => !names.includes(name))
if (unknown.length > 0) throw new Error(`no topic ${unknown.join(', ')}: expected ${names.join(', ')}`)
if (!process.env.S3_ENDPOINT) Object.assign(process.env, await bringUpCluster())
execFileSync(process.execPath, ['build.ts'], { stdio: 'ignore' })

const rows: (Row & { topic: string })[] = []
const failed: string[] = []
for (const { name, run } of topics) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  try {
    for await (const row of run({ rounds, only: values.only })) {
      rows.push({ topic: name, ...row })
      console.error(`${name}: ${tableOf([row]).split('\n').at(-1)}`)
    }
  } catch (error) {
    // What was measured so far is worth its hour.
    failed.push(name)
    console.error(`${name} failed:`, error)
  }
}
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB`
console.log(
  `${new Date().toISOString().slice(0, 10)}, ${machine}, Node ${process.version}\n\n${tableOf(rows)}`,
)
if (values.json !== undefined) {
  const results = rows.map((row) => ({ ...row, ratio: ratio(row), reached: isReached(row) }))
  writeFileSync(values.json, `${JSON.stringify({ date: new Date(), machine, results }, null, 2)}\n`)
}
if (failed.length > 0) process.exitCode = 1
