import { heardWord } from '../../../job/word/heard-word.ts'
import { messageOf } from '../../../util/errors.ts'
import { Semaphore } from '../../../util/semaphore.ts'
import { readTail } from '../operations/logs.ts'
import { type WordQuery, wordPolicy } from '../policies/word.ts'
import type { Controller, ReaderParts } from './job-reconciler.ts'

/** The newest word is among them: while a worker runs, its uploader says little else. */
const lines = 20
/** At most 20 logs a second, however many jobs run. */
const atOnce = 2
const leastMilliseconds = 100

/** Reads what workers say of themselves, from their uploaders' logs. */
export function createWordController({ api, cache, clock, log, signal }: ReaderParts): Controller<WordQuery> {
  const slots = new Semaphore(atOnce)
  return {
    name: 'word',
    decide: (job, now, last) => wordPolicy(job, now, last && { query: last.action, at: last.at }),
    async run({ uuid }, { pod }) {
      const leave = await slots.acquire()
      const pace = clock.sleep(leastMilliseconds, { signal, ref: false }).catch(() => undefined)
      try {
        signal.throwIfAborted()
        const heard = heardWord(await readTail(api, pod, { container: 'uploader', tail: lines }))
        if (heard) cache.hear(uuid, { pod: pod.metadata?.uid ?? '', heard })
      } catch (error) {
        log.debug({ job: uuid, problem: messageOf(error) }, 'what a worker says could not be read')
      } finally {
        void pace.then(leave)
      }
    },
    pauseAfter: () => 0,
  }
}
