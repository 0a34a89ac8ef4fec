import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createAnswers } from '../../../src/completion/signaling/answers.ts'
import { createLog } from '../../../src/log.ts'
import { folderStore } from '../../support/folder-store.ts'

const log = createLog('test', 'silent')
const flow = { id: 'process', created_at: new Date().toISOString() }
const long = { ...flow, created_at: new Date(Date.now() - 60_000).toISOString() }

/** Whether it is still awaited after a while. */
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

it('does not take the answer to a refused second request for that to the first one', async () => {
  const store = await folderStore()
  const [here, there] = [createAnswers(store, log), createAnswers(store, log)]
  const answered = here.begin(flow.id)
  here.begin(flow.id)('refused')
  const both = [here.sent(flow), there.sent(flow)] as const
  expect(await Promise.all(both.map(waits))).toEqual([true, true])
  answered('sent')
  await Promise.all(both)
})

it('waits for nobody who can not answer any more', async () => {
  const store = await folderStore()
  await createAnswers(store, log).sent(long)
})
