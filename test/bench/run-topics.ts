import { writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { isReached, type Row, ratio, type TopicOptions, tableOf } from './measure.ts'
import { topics } from './topics/topics.ts'

/** The options that main.ts passes as JSON in the only argument. */
export interface BenchOptions extends TopicOptions {
  /** Names of the topics to run. */
  names: readonly string[]
  /** Path of the file for the results. */
  json?: string | undefined
}

const { names, json, ...options } = JSON.parse(process.argv[2] ?? '') as BenchOptions
const rows: (Row & { topic: string })[] = []
const failed: string[] = []
for (const { name, run } of topics.filter(({ name }) => names.includes(name))) {
  try {
    for await (const row of run(options)) {
      rows.push({ topic: name, ...row })
      console.error(`${name}: ${tableOf([row]).split('\n').at(-1)}`)
    }
  } catch (error) {
    // The rows measured so far, which may have taken an hour, are still printed.
    failed.push(name)
    console.error(`${name} failed:`, error)
  }
}
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB`
console.log(
  `${new Date().toISOString().slice(0, 10)}, ${machine}, Node ${process.version}\n\n${tableOf(rows)}`,
)
if (json !== undefined) {
  const results = rows.map((row) => ({ ...row, ratio: ratio(row), reached: isReached(row) }))
  writeFileSync(json, `${JSON.stringify({ date: new Date(), machine, results }, null, 2)}\n`)
}
if (failed.length > 0) process.exitCode = 1
