import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Api } from './api.ts'
import { isTerminal } from './attempt.ts'
import type { JobCache } from './cache.ts'
import { isArchived, isCreating } from './marks.ts'
import { controllerLabels } from './names.ts'
import { getsNoMorePods, mayLackPods, podsKey } from './observe.ts'
import type { SeenJob } from './seen-job.ts'

const pauseMilliseconds = 1000
const atOnce = 4

/**
 * Asks the API server for the pods of a job whose Job tells of more than the watch has shown: nothing else says
 * whether they are gone or only not heard of yet. A job that is seen to its end by both watches is never asked for. Pods that no watch shows any more though they may
 * still run are asked for every second.
 */
export class PodCheck {
  readonly #api: Api
  readonly #cache: JobCache
  readonly #log: Log
  readonly #closing = new AbortController()
  /** Jobs with pods that no watch shows. */
  readonly #lost = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  /** In the order in which they came. */
  readonly #waiting = new Set<string>()
  readonly #busy = new Set<Promise<void>>()
  #unsubscribe: () => void = () => undefined

  constructor(parts: { api: Api; cache: JobCache; log: Log }) {
    this.#api = parts.api
    this.#cache = parts.cache
    this.#log = parts.log
  }

  /** All pods have been listed once: before that every job would seem to lack some. */
  start(): void {
    if (this.#closing.signal.aborted) return
    this.#unsubscribe = this.#cache.subscribe((uuid) => this.#look(uuid))
    for (const uuid of this.#cache.uuids()) this.#look(uuid)
    this.#timer = setInterval(() => {
      for (const uuid of this.#lost) this.#ask(uuid)
    }, pauseMilliseconds).unref()
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    clearInterval(this.#timer)
    this.#closing.abort()
    await Promise.all(this.#busy)
  }

  #look(uuid: string): void {
    if (this.#keyOf(uuid) === undefined) {
      this.#lost.delete(uuid)
      return
    }
    if (hasLostPod(this.#cache.seen(uuid))) {
      // Each answer is a change too: the next question waits for its time.
      if (this.#lost.has(uuid)) return
      this.#lost.add(uuid)
      this.#log.warn({ job: uuid }, 'a pod is no longer shown though it may still run: is its label gone?')
    } else this.#lost.delete(uuid)
    this.#ask(uuid)
  }

  #ask(uuid: string): void {
    this.#waiting.add(uuid)
    if (this.#busy.size >= atOnce) return
    const work = this.#work().finally(() => this.#busy.delete(work))
    this.#busy.add(work)
  }

  async #work(): Promise<void> {
    const { signal } = this.#closing
    for (const uuid of this.#waiting) {
      this.#waiting.delete(uuid)
      const key = this.#keyOf(uuid)
      if (key === undefined || signal.aborted) continue
      try {
        const { items } = await this.#api.pods.list({
          // By the Job controller's label: ours may have been taken away.
          labelSelector: `${controllerLabels.uid}=${this.#cache.seen(uuid)?.job.metadata?.uid}`,
        })
        this.#cache.knowPods(uuid, key, items)
      } catch (error) {
        this.#log.warn({ job: uuid, error: messageOf(error) }, 'whether a job has more pods is unknown')
        this.#waiting.add(uuid)
        await sleep(pauseMilliseconds, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  /** Undefined where nothing is to be asked. */
  #keyOf(uuid: string): string | undefined {
    const seen = this.#cache.seen(uuid)
    if (seen === undefined || isCreating(seen.job) || isArchived(seen.job)) return undefined
    if (hasLostPod(seen)) return podsKey(seen.job)
    if (seen.podsKnown) return undefined
    return getsNoMorePods(seen.job) && mayLackPods(seen.job, seen.pods) ? podsKey(seen.job) : undefined
  }
}

function hasLostPod(seen: SeenJob | undefined): boolean {
  return seen?.pods.some(({ pod, goneAt, lost }) => lost && goneAt === undefined && !isTerminal(pod)) === true
}
