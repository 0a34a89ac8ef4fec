import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { temporaryBucket, testStore } from '../support/bucket.ts'
import { bringUpCluster } from '../support/own-cluster.ts'
import { type Comparison, ratio, tableOf } from './measure.ts'
import { trees } from './trees.ts'
import { compareUploads } from './uploads.ts'

/**
 * `npm run bench [-- --rounds 5 --only '10,000' --json results.json]`: the same work by Jobferry and by its peer in
 * the same minutes, in turn. Needs a store: S3_ENDPOINT and its keys, else test/cluster is brought up.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
if (!(rounds >= 1)) throw new Error(`--rounds is ${values.rounds}: expected a number from 1 on`)
if (!process.env.S3_ENDPOINT) Object.assign(process.env, await bringUpCluster())
execFileSync(process.execPath, ['build.ts'], { stdio: 'ignore' })

const comparisons: Comparison[] = []
for (const tree of trees.filter(({ what }) => what.includes(values.only))) {
  await using bucket = await temporaryBucket()
  console.error(`bench: upload, ${tree.what}, ${rounds} rounds`)
  comparisons.push(await compareUploads(tree, rounds, testStore(), bucket.name))
}
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB`
console.log(
  `${new Date().toISOString().slice(0, 10)}, ${machine}, Node ${process.version}\n\n${tableOf(comparisons)}`,
)
if (values.json !== undefined) {
  const results = comparisons.map((one) => ({ ...one, ratio: ratio(one) }))
  writeFileSync(values.json, `${JSON.stringify({ date: new Date(), machine, results }, null, 2)}\n`)
}
