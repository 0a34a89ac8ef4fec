import { uploadKeys } from '../../result-format/upload-keys.ts'
import { readVersion, replaceJson } from '../../store/json-objects.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { updateWithRetry } from '../../store/update-json.ts'
import { KeyedMutex } from '../../util/keyed-mutex.ts'
import { emptyShelf, type Shelf, soundShelf } from './shelf.ts'

/** The shelves in the store, by owner. Rejects with StoreError. */
export interface Shelves {
  read(owner: string): Promise<Shelf>
  /**
   * Replaces the shelf by the one that `change` makes of it, in one step: `change` is called again
   * if another replica was faster. Resolves with the new one; rejects as `change` throws.
   */
  change(owner: string, change: (shelf: Shelf) => Shelf): Promise<Shelf>
}

/** One for each process: a folder store can't tell two concurrent writers apart. */
export function createShelves(store: ArtifactStore): Shelves {
  const locks = new KeyedMutex()
  const readKnown = async (owner: string) => {
    const found = await readVersion(store, uploadKeys.shelf(owner))
    return { shelf: soundShelf((found?.value ?? emptyShelf) as Shelf), etag: found?.etag }
  }
  return {
    read: async (owner) => (await readKnown(owner)).shelf,

    change: (owner, change) =>
      locks.locked(owner, () =>
        updateWithRetry('the list of uploads', async () => {
          const { shelf, etag } = await readKnown(owner)
          const changed = change(shelf)
          if (changed === shelf) return { changed }
          const isWritten = await replaceJson(store, uploadKeys.shelf(owner), changed, etag)
          return isWritten ? { changed } : undefined
        }),
      ),
  }
}
