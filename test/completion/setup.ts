import { onTestFinished } from 'vitest'
import type { ArtifactStore } from '../../src/artifact/store.ts'
import { createOutbox } from '../../src/completion/outbox/create-outbox.ts'
import type { MessageKind } from '../../src/completion/outbox/outbox.ts'
import { parseAllow } from '../../src/completion/outgoing/allow.ts'
import { createOutgoing } from '../../src/completion/outgoing/send.ts'
import { createLog } from '../../src/log.ts'

/** The Lease as one process sees it. */
export function leaseOf(held: boolean) {
  const listeners = new Set<(held: boolean) => void>()
  return {
    holdsLease: () => held,
    onLease(listener: (held: boolean) => void) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    give(now: boolean) {
      held = now
      for (const listener of listeners) listener(now)
    },
  }
}

export const plain: MessageKind = {
  kind: 'plain',
  prepare: async ({ url, data }) => ({ method: 'POST', url, headers: {}, body: JSON.stringify(data) }),
}

/** An outbox as one process has it; closed after the test at the latest. */
export function startOutbox(
  store: ArtifactStore,
  {
    lease = leaseOf(true),
    kinds = [plain],
    timeoutMilliseconds = 10_000,
    every = 200,
    keepsHistory = () => Promise.resolve(true),
  } = {},
) {
  const allow = parseAllow('any')
  if (!allow) throw new Error('any is allowed')
  const outgoing = createOutgoing({ allow, timeoutMilliseconds })
  const log = createLog('test', 'silent')
  const outbox = createOutbox({ store, lease, outgoing, log, every, keepsHistory })
  for (const kind of kinds) outbox.register(kind)
  outbox.start()
  const close = async () => {
    await outbox.close()
    await outgoing.close()
  }
  onTestFinished(close)
  return { ...outbox, close }
}
