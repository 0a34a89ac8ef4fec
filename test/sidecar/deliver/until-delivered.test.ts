import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { untilDelivered } from '../../../sidecar/deliver/until-delivered.ts'

const patience = (milliseconds: number) => ({
  until: Date.now() + milliseconds,
  timeoutSeconds: milliseconds / 1000,
  note: () => {},
  signal: new AbortController().signal,
})

it('a delivery that may take 30 days does not end at once', async () => {
  const work = async (signal: AbortSignal) => await sleep(20, 'done', { signal })
  await expect(untilDelivered(work, patience(30 * 86_400_000))).resolves.toBe('done')
})

it('what does not answer in time ends with the last problem', async () => {
  const hangs = async (signal: AbortSignal) => await sleep(60_000, undefined, { signal })
  await expect(untilDelivered(hangs, patience(50))).rejects.toMatchObject({
    kind: 'TargetUnavailable',
    message: expect.stringContaining('it did not answer, 0.05 s'),
  })
})
