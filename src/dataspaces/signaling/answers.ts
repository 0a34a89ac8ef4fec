import { setTimeout as sleep } from 'node:timers/promises'
import type { ArtifactStore } from '../../store/store.ts'
import { messageOf } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'
import { type Flow, flowKey } from './flows/flow.ts'
import { folderOf } from './flows/flows.ts'

/** After this time the process that should have answered counts as gone. */
const givenUpMilliseconds = 10_000
/** Pause after an answer: a control plane stores the answer before it accepts a notice. */
const graceMilliseconds = 200

const sentMark = 'sent\n'

/**
 * Records when a flow's request was answered: notices must not reach the control plane before the
 * answer.
 */
export interface Answers {
  /**
   * Marks the request that begins this flow as not answered yet. The returned function, called
   * once, says that the answer was sent, was lost, or refused the request.
   */
  begin(id: string): (outcome: 'sent' | 'lost' | 'refused') => void
  /** True if a replica sent the whole answer that began the flow. */
  wasSent(id: string): Promise<boolean>
  /** Resolves once a replica answered the flow's request. */
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
              'an answer was sent but could not be recorded: another replica may wait for it',
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
