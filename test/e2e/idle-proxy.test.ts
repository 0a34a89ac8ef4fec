import { test } from 'vitest'
import { busybox, startOnCluster } from '../support/api/on-cluster.ts'
import { settingsFor, waitInThreeWays } from '../support/api/three-ways.ts'

/**
 * IDLE_PROXY_JOB_SECONDS=300 IDLE_PROXY_SECONDS=60 give the full
 * lengths: 5 min behind a proxy's 60 s.
 */
const { IDLE_PROXY_JOB_SECONDS: job = '8', IDLE_PROXY_SECONDS: idle = '3' } = process.env
const lengths = { jobSeconds: Number(job), idleSeconds: Number(idle) }

test(`a client waits for a job of ${job} s in each of three ways, behind a proxy with an idle timeout of ${idle} s`, {
  timeout: (lengths.jobSeconds + 360) * 1000,
}, async () => {
  await using cluster = await startOnCluster({ name: 'idle-proxy', environment: settingsFor(lengths) })
  const worker = busybox(`sleep ${job}; echo done > $RESULT_DIRECTORY/file`)
  await waitInThreeWays(cluster.url, worker, lengths)
})
