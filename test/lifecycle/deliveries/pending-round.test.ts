import { beforeEach, describe, expect, it } from 'vitest'
import { newDelivery } from '../../../src/job/deliveries/delivery-answer.ts'
import type { DeliveryProgress, DeliveryRound } from '../../../src/job/deliveries/delivery-runs.ts'
import { advanceRound } from '../../../src/lifecycle/deliveries/advance-round.ts'
import type { DeliveryParts } from '../../../src/lifecycle/deliveries/delivery-parts.ts'
import {
  newestRound,
  orderRound,
  type PendingRound,
  pendingRounds,
  roundState,
} from '../../../src/lifecycle/deliveries/delivery-rounds.ts'
import { removeWithDeliveries } from '../../../src/lifecycle/deliveries/end-deliveries.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { createJson } from '../../../src/store/json-objects.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { folderStore, keysOf } from '../../support/store/folder-store.ts'

const uuid = '00000000-0000-4000-8000-000000000000'
const of = { uuid, attempt: 'a1' }
const to = 's3://other/x/'

let store: ArtifactStore
/** Programs that run, by round. */
let programs: Set<number>
let started: DeliveryRound[]
let progress: DeliveryProgress
let whileStarting: () => Promise<void>
let isThere: boolean
let timeoutSeconds: number
let secrets: string[]
const backend = {
  isCurrent: () => true,
  deliveries: {
    async run(round: DeliveryRound) {
      await whileStarting()
      started.push(round)
      programs.add(round.number)
      return progress
    },
    end: async () => programs.clear(),
  },
}

beforeEach(async () => {
  store = await folderStore()
  programs = new Set()
  started = []
  progress = { state: 'running' }
  whileStarting = async () => {}
  isThere = true
  timeoutSeconds = 60
  secrets = ['archive']
  await orderRound(store, of, 1)
})

async function advance(): Promise<string> {
  const [pending] = await pendingRounds(store, uuid)
  return await advanceRound(parts(), pending as PendingRound, true)
}

function parts(): DeliveryParts {
  const job = { state: 'succeeded', attempt: { uid: of.attempt } }
  const deliver = [{ to, secret: 'archive' }]
  const request = { outputs: { deliver }, upload_timeout_seconds: timeoutSeconds }
  const found = { job, request, inputsSha256: null }
  return {
    ...{ store, backend },
    inputSources: { allow: { text: 'any' }, allowHttp: false, secrets },
    findJob: async () => (isThere ? found : undefined),
  } as unknown as DeliveryParts
}

describe('of a job that is removed', () => {
  it('the programs end first and the pending round goes last, so that a leader ends what is left', async () => {
    await advance()
    const killed = removeWithDeliveries({ store, backend }, uuid, async () => {
      expect(programs.size).toBe(0)
      isThere = false
      throw new Error('killed')
    })
    await expect(killed).rejects.toThrow('killed')
    programs.add(1)
    expect(await advance()).toBe('idle')
    expect([programs.size, await keysOf(store)]).toEqual([0, []])
  })

  it('no program and no state stay if another replica starts one at that moment', async () => {
    progress = { state: 'running', message: 'its pod waits' }
    whileStarting = () =>
      removeWithDeliveries({ store, backend }, uuid, async () => {
        isThere = false
      })
    expect(await advance()).toBe('idle')
    expect(started.length).toBe(1)
    expect([programs.size, await keysOf(store)]).toEqual([0, []])
  })

  it('a program that was started during the removal is ended by it', async () => {
    const startedMeanwhile = async () => {
      await advance()
      expect(programs.size).toBe(1)
      isThere = false
    }
    await removeWithDeliveries({ store, backend }, uuid, startedMeanwhile)
    expect([programs.size, await keysOf(store)]).toEqual([0, []])
  })
})

it('the state and the rounds of an earlier job of the uuid are not those of this one', async () => {
  const old = { ...newDelivery(to), state: 'delivered' }
  await orderRound(store, { uuid, attempt: 'a0' }, 3)
  await createJson(store, jobKeys.deliveryState(uuid, 'a0', 1), { version: 1, deliveries: [old] })
  expect(await newestRound(store, of)).toBe(1)
  expect(await roundState(store, of, 1)).toBe(undefined)
  expect(await advance()).toBe('running')
})

it("a program gets the targets of the request and the operator's rules, whatever lies in the job's folder", async () => {
  await store.put(
    jobKeys.deliveryOrder(uuid, of.attempt, 1),
    Buffer.from('{"targets":[{"secret":"theirs"}]}'),
  )
  await advance()
  expect(started[0]?.order).toMatchObject({
    ...{ attempt: 'a1', timeout_seconds: 60, allow: 'any', allow_http: false },
    targets: [{ to, secret: 'archive' }],
  })
})

it('a round fails with TargetRefused once its Secret is none of REQUEST_SECRETS', async () => {
  secrets = ['another']
  expect(await advance()).toBe('idle')
  expect(started).toEqual([])
  expect((await roundState(store, of, 1))?.deliveries).toMatchObject([
    { state: 'failed', reason: 'TargetRefused', message: expect.stringContaining('expected one of another') },
  ])
})

describe('a program that the cluster does not take now', () => {
  beforeEach(() => {
    progress = { state: 'waiting', message: 'exceeded quota' }
  })

  it('does not count as running, and its round says why it waits', async () => {
    expect(await advance()).toBe('waiting')
    expect((await roundState(store, of, 1))?.deliveries).toMatchObject([
      { state: 'waiting', message: 'exceeded quota' },
    ])
  })

  it('fails its round after `upload_timeout_seconds` from the order on', async () => {
    timeoutSeconds = -1
    expect(await advance()).toBe('idle')
    expect((await roundState(store, of, 1))?.deliveries).toMatchObject([
      { state: 'failed', reason: 'Interrupted', message: expect.stringContaining('exceeded quota') },
    ])
    await advance()
    expect(await pendingRounds(store)).toEqual([])
  })
})
