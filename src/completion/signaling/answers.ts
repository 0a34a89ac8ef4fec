import { setTimeout as sleep } from 'node:timers/promises'
import type { ArtifactStore } from '../../artifact/store.ts'
import { messageOf } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { type Flow, flowKey } from './flow.ts'
import { folderOf } from './flows.ts'

/** After that the process that was to answer is gone, and nobody waits for its answer. */
const givenUpMilliseconds = 10_000
/** A control plane writes down what it was answered before it can take what follows. */
const graceMilliseconds = 200

const sentMark = 'sent\n'

/** Tells when the answer to a flow's request has been sent: what follows must not reach the control plane before it. */
export interface Answers {
  /**
   * From now on a request's answer is awaited, if it begins this flow; the function, to be called once, says that it was
   * sent or never will be, or that the request was refused.
   */
  begin(id: string): (outcome: 'sent' | 'lost' | 'refused') => void
  /** Whether an answer that began the flow was handed over whole, by whatever replica. */
  wasSent(id: string): Promise<boolean>
  /** Resolves once the flow's request was answered, by whatever replica. */
  sent(flow: Pick<Flow, 'id' | 'created_at'>): Promise<void>
}

export function createAnswers(store: ArtifactStore, log: Log): Answers {
  const open = new Map<string, Set<Promise<void>>>()
  const marking = new Set<string>()
  const markOf = (id: string) => `${folderOf(id)}answered`

  function end(key: string, answer: Promise<void>): void {
    const all = open.get(key)
    all?.delete(answer)
    if (all?.size === 0) open.delete(key)
  }

  return {
    begin(id) {
      const key = flowKey(id)
      const { promise, resolve } = Promise.withResolvers<void>()
      open.set(key, (open.get(key) ?? new Set()).add(promise))
      return (outcome) => {
        setTimeout(() => {
          resolve()
          end(key, promise)
        }, graceMilliseconds)
        if (outcome === 'refused') return
        if (outcome === 'sent') marking.add(key)
        store
          .put(markOf(id), Buffer.from(outcome === 'sent' ? sentMark : ''))
          .catch((error: unknown) => {
            log.warn(
              { flow: id, error: messageOf(error) },
              'another replica may wait for an answer that was sent',
            )
          })
          .finally(() => marking.delete(key))
      }
    },

    async wasSent(id) {
      return marking.has(flowKey(id)) || ((await store.head(markOf(id)))?.size ?? 0) > 0
    },

    async sent({ id, created_at }) {
      const end = Date.parse(created_at) + givenUpMilliseconds
      const here = open.get(flowKey(id))
      if (here !== undefined) {
        await Promise.all(here)
        return
      }
      while (Date.now() < end && (await store.head(markOf(id))) === undefined) await sleep(100)
    },
  }
}
