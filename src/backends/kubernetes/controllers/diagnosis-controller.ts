import { saidByUploader } from '../../../job/state/said-by-uploader.ts'
import { messageOf } from '../../../util/errors.ts'
import { defined } from '../../../util/objects.ts'
import { Semaphore } from '../../../util/semaphore.ts'
import type { Event } from '../api/objects.ts'
import type { Diagnosis } from '../cache/cached-job.ts'
import { blockedByEvents } from '../observation/blocked.ts'
import { type DiagnosisQuery, type EventsQuery, queryKey } from '../observation/diagnosis-queries.ts'
import { readTail } from '../operations/logs.ts'
import { WarningsReader } from '../operations/warnings-reader.ts'
import { diagnosis } from '../policies/diagnosis.ts'
import type { Controller, ReaderParts } from './job-reconciler.ts'

/** Kubelets repeat a warning about volumes at least that often while it holds. */
const freshMilliseconds = 180_000
const callsAtOnce = 4

/**
 * Reads what no watch shows, for jobs that make no progress: events tell of an exceeded quota and a
 * missing volume, the uploader's log tells of a store that it cannot reach. To be added once all
 * Jobs and pods were listed: before that every job would seem to wait for its pod.
 */
export function createDiagnosisController(parts: ReaderParts): Controller<DiagnosisQuery> {
  const { api, cache, clock, log, signal } = parts
  const slots = new Semaphore(callsAtOnce)
  const warnings = new WarningsReader({ api, slots, clock, signal })

  const read = async (query: DiagnosisQuery): Promise<Diagnosis> => {
    if (query.source === 'events') return warnedOf(await warnings.of(query.of), query, clock.now())
    const leave = await slots.acquire()
    try {
      signal.throwIfAborted()
      const tail = await readTail(api, query.pod, { container: 'uploader', tail: 20 })
      return saidByUploader(tail, clock.now() - 60_000)
    } finally {
      leave()
    }
  }

  return {
    name: 'diagnosis',
    decide: (job, now, last) => diagnosis(job, now, last && { query: last.action, at: last.at }),
    async run({ uuid }, query) {
      try {
        cache.diagnose(uuid, queryKey(query), await read(query))
      } catch (error) {
        log.debug(
          { job: uuid, problem: messageOf(error) },
          'the reason why a job makes no progress could not be read',
        )
      }
    },
    pauseAfter: () => 0,
  }
}

function warnedOf(events: readonly Event[], { pod, since }: EventsQuery, now: number): Diagnosis {
  const oldest = pod === undefined ? since - 1000 : now - freshMilliseconds
  const blocked = blockedByEvents(events, { pod, oldest })
  return defined({ blocked })
}
