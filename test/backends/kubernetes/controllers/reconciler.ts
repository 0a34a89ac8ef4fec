import { onTestFinished } from 'vitest'
import { JobCache } from '../../../../src/backends/kubernetes/cache/job-cache.ts'
import { JobReconciler } from '../../../../src/backends/kubernetes/controllers/job-reconciler.ts'
import { createLog } from '../../../../src/util/log.ts'
import { Scheduler } from '../../../../src/util/scheduler.ts'
import { manualClock } from '../../../support/time/manual-clock.ts'

/** A reconciler with no controllers, an empty cache and a manual clock; closed after the test. */
export function startReconciler() {
  const clock = manualClock()
  const queue = new Scheduler(clock)
  const cache = new JobCache()
  const log = createLog('test', 'silent')
  const closing = new AbortController()
  const reconciler = new JobReconciler({ cache, queue, clock, log })
  onTestFinished(async () => {
    closing.abort()
    await Promise.all([reconciler.close(), queue.close()])
  })
  return { reconciler, cache, queue, clock, log, signal: closing.signal }
}
