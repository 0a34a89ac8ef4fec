import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createAnswers } from '../../../src/dataspaces/signaling/answers.ts'
import { createLog } from '../../../src/util/log.ts'
import { folderStore } from '../../support/store/folder-store.ts'

const log = createLog('test', 'silent')
const flow = { id: 'process', created_at: new Date().toISOString() }
const long = { ...flow, created_at: new Date(Date.now() - 60_000).toISOString() }

/** True if `sent` is still pending after 600 ms. */
async function waits(sent: Promise<void>): Promise<boolean> {
  return await Promise.race([sent.then(() => false), sleep(600, true)])
}

it('waits for the answer of this replica and of another one', async () => {
  const store = await folderStore()
  const [here, there] = [createAnswers(store, log), createAnswers(store, log)]
  const answered = here.begin(flow.id)
  const both = [here.sent(flow), there.sent(flow)] as const
  expect(await Promise.all(both.map(waits))).toEqual([true, true])
  answered('sent')
  await Promise.all(both)
  await createAnswers(store, log).sent(flow)
})

it('does not confuse the answer to a refused second request with the answer to the first one', async () => {
  const store = await folderStore()
  const [here, there] = [createAnswers(store, log), createAnswers(store, log)]
  const answered = here.begin(flow.id)
  here.begin(flow.id)('refused')
  const both = [here.sent(flow), there.sent(flow)] as const
  expect(await Promise.all(both.map(waits))).toEqual([true, true])
  answered('sent')
  await Promise.all(both)
})

it('does not wait for the answer to an old request', async () => {
  const store = await folderStore()
  await createAnswers(store, log).sent(long)
})
