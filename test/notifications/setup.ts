import { onTestFinished } from 'vitest'
import { soleLeader } from '../../src/job/leadership.ts'
import { createOutbox } from '../../src/notifications/outbox/create-outbox.ts'
import type { CalledKind, MessageKind } from '../../src/notifications/outbox/outbox.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { type Clock, systemClock } from '../../src/util/clock.ts'
import { parseAllow } from '../../src/util/egress/allow.ts'
import { createOutgoingCalls } from '../../src/util/egress/send.ts'
import { createLog } from '../../src/util/log.ts'
import { createMetrics } from '../../src/util/metrics.ts'

export const plain: CalledKind = {
  kind: 'plain',
  prepare: async ({ url, data }) => ({ method: 'POST', url, headers: {}, body: JSON.stringify(data) }),
}

/** The outbox of one process, closed after the test at the latest. */
export function startOutbox(
  store: ArtifactStore,
  {
    leadership = soleLeader,
    kinds = [plain] as readonly MessageKind[],
    timeoutSeconds = 10,
    every = 200,
    clock = systemClock as Clock,
    metrics = createMetrics(),
    keepsHistory = () => Promise.resolve(true),
  } = {},
) {
  const allow = parseAllow('any')
  if (!allow) throw new Error('any is allowed')
  const outgoing = createOutgoingCalls({ allow, timeoutSeconds })
  const log = createLog('test', 'silent')
  const outbox = createOutbox({ store, leadership, outgoing, log, metrics, every, keepsHistory, clock })
  for (const kind of kinds) outbox.register(kind)
  outbox.start()
  const close = async () => {
    await outbox.close()
    await outgoing.close()
  }
  onTestFinished(close)
  return { ...outbox, close }
}
