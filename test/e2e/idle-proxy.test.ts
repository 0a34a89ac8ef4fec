import { test } from 'vitest'
import { busybox, startOnCluster } from '../support/on-cluster.ts'
import { settingsFor, waitInThreeWays } from '../support/three-ways.ts'

/** Five minutes and a proxy's 60 s by IDLE_PROXY_JOB_SECONDS=300 IDLE_PROXY_SECONDS=60. */
const { IDLE_PROXY_JOB_SECONDS: job = '8', IDLE_PROXY_SECONDS: idle = '3' } = process.env
const lengths = { jobSeconds: Number(job), idleSeconds: Number(idle) }

test(`a job of ${job} s behind a proxy that waits for ${idle} s is waited for in each of the three ways`, {
  timeout: (lengths.jobSeconds + 120) * 1000,
}, async () => {
  await using cluster = await startOnCluster({ name: 'idle-proxy', environment: settingsFor(lengths) })
  const worker = busybox(`sleep ${job}; echo done > $RESULT_DIRECTORY/file`)
  await waitInThreeWays(cluster.url, worker, lengths)
})
