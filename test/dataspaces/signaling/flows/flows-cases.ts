import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { Flow } from '../../../../src/dataspaces/signaling/flows/flow.ts'
import { createFlows, folderOf } from '../../../../src/dataspaces/signaling/flows/flows.ts'
import type { ArtifactStore } from '../../../../src/store/store.ts'
import { keysOf } from '../../../support/store/folder-store.ts'

export function newFlow(id: string): Flow {
  const at = new Date().toISOString()
  return {
    version: 1,
    id,
    number: 1,
    state: 'STARTING',
    by: 'start',
    created_at: at,
    changed_at: at,
    earlier: false,
    profile: 'https://w3id.org/dspace-sig/profile/http-pull',
    participant_id: 'did:web:provider.example',
    counter_party_id: 'did:web:consumer.example',
    dataset_id: 'dataset',
    agreement_id: 'agreement',
    data: { uuid: randomUUID(), made: true, format: 'tar', remove: 'nothing' },
    tokens: { refresh: [], access: [] },
  }
}

/** The contract of flows on every store. */
export function flowCases(makeStore: () => Promise<ArtifactStore>): void {
  it.each(['plain', 'with spaces/and:more ü', '../..', '.', 'x'.repeat(255)])(
    'stores a flow with the process id %j',
    async (id) => {
      const flows = createFlows(await makeStore())
      expect(await flows.read(id)).toBeUndefined()
      expect(await flows.create(newFlow(id))).toBe(true)
      expect(await flows.read(id)).toMatchObject({ id, state: 'STARTING' })
      expect(await flows.change('another', (flow) => flow)).toBeUndefined()
    },
  )

  it('lets exactly one of several replicas create a flow', async () => {
    const store = await makeStore()
    const replicas = Array.from({ length: 5 }, () => createFlows(store))
    const created = await Promise.all(replicas.map((flows) => flows.create(newFlow('process'))))
    expect(created.filter((was) => was)).toHaveLength(1)
  })

  it('loses no change of several replicas, and drops old versions', async () => {
    const store = await makeStore()
    const replicas = Array.from({ length: 4 }, () => createFlows(store))
    await replicas[0]?.create(newFlow('process'))
    await Promise.all(
      replicas.map(async (flows, replica) => {
        for (let count = 0; count < 10; count++) {
          await flows.change('process', (flow) => {
            const access = [...flow.tokens.access, `${replica}-${count}`]
            return { ...flow, tokens: { ...flow.tokens, access } }
          })
        }
      }),
    )
    const flow = await replicas[0]?.read('process')
    expect(flow?.number).toBe(41)
    expect(new Set(flow?.tokens.access).size).toBe(40)
    expect(await keysOf(store, folderOf('process'))).toHaveLength(30)
  })

  it('writes no version if the change is undefined', async () => {
    const flows = createFlows(await makeStore())
    await flows.create(newFlow('process'))
    expect(await flows.change('process', () => undefined)).toMatchObject({ number: 1 })
  })

  it('rejects the read of a damaged flow', async () => {
    const store = await makeStore()
    const flows = createFlows(store)
    await flows.create(newFlow('process'))
    await store.put(`${folderOf('process')}00000002.json`, Buffer.from('{"half'))
    await expect(flows.read('process')).rejects.toMatchObject({ code: 'result-damaged' })
  })
}
