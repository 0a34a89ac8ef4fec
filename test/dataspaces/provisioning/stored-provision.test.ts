import { expect, test } from 'vitest'
import {
  type Provision,
  type StoredProvisions,
  storedProvisions,
} from '../../../src/dataspaces/provisioning/stored-provision.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { folderStore, keysOf } from '../../support/store/folder-store.ts'

const at = '2026-11-21T12:00:00.000Z'
const provision: Provision = {
  ...{ version: 1, id: 'a', uuid: 'u', own: true, created_at: at, asked_at: at },
  request: { generation: 'data-plane', transfer: 't', resource: 'r', callbackAddress: 'http://connector' },
  dataset: { format: 'tar', givenAs: 'http', remove: 'nothing' },
}

test.each<[string, (other: StoredProvisions) => Promise<void>, Provision | undefined]>([
  ['removed', (other) => other.remove('a'), undefined],
  [
    'deprovisioned',
    (other) => other.write({ ...provision, deprovisioned_at: at }),
    { ...provision, deprovisioned_at: at },
  ],
])('a change is dropped if another replica has %s the provision meanwhile', async (_, meanwhile, left) => {
  const store = await folderStore()
  const other = storedProvisions(store)
  await other.write(provision)
  const provisions = storedProvisions(beforePut(store, () => meanwhile(other)))
  const changed = await provisions.change('a', (before) =>
    before.deprovisioned_at === undefined ? { ...before, told_at: at } : undefined,
  )
  expect(changed).toBeUndefined()
  expect(await other.read('a')).toEqual(left)
  expect(await keysOf(store)).toHaveLength(left ? 1 : 0)
})

/** A store that awaits `happens` before its first write. */
function beforePut(store: ArtifactStore, happens: () => Promise<void>): ArtifactStore {
  let happened: Promise<void> | undefined
  return {
    ...store,
    async put(...args) {
      happened ??= happens()
      await happened
      return await store.put(...args)
    },
  }
}
