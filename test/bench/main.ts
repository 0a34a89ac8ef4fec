import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bringUpCluster } from '../support/cluster/own-cluster.ts'
import { testRun } from '../support/cluster/test-run.ts'
import { endRun } from './end-run.ts'
import type { BenchOptions } from './run-topics.ts'
import { topics } from './topics/topics.ts'

/**
 * `npm run bench [-- uploads downloads … --rounds 5 --only '10,000' --json results.json]`:
 * Jobferry and its peer do the same work, in turn in the same minutes, for the given
 * topics or for all. Needs a store and a cluster: KUBECONFIG and S3_ENDPOINT with its
 * keys, else test/cluster is brought up.
 */
const options = read()
if (!process.env.S3_ENDPOINT) Object.assign(process.env, await bringUpCluster())
execFileSync(process.execPath, ['build.ts'], { stdio: 'ignore' })

// The run's name labels its namespaces and buckets; the folder has all its temporary folders.
testRun()
const folder = await mkdtemp(join(tmpdir(), 'jobferry-bench-'))
// In its own process group, so that it can be ended at any point with all its child processes.
const bench = spawn(process.execPath, ['test/bench/run-topics.ts', JSON.stringify(options)], {
  detached: true,
  stdio: ['ignore', 'inherit', 'inherit'],
  env: { ...process.env, TMPDIR: folder },
})
const exited = once(bench, 'exit')
let stopped: number | undefined
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    stopped = 128 + constants.signals[signal]
    bench.kill('SIGKILL')
  })
}
const [code] = (await exited) as [number | null]
if (stopped !== undefined) console.error('bench: ending what was begun')
await endRun(bench.pid ?? 0, folder)
process.exitCode = stopped ?? code ?? 1

function read(): BenchOptions {
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
  return { rounds, only: values.only, names: positionals.length > 0 ? positionals : names, json: values.json }
}
