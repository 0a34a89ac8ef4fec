import { layout } from '../../src/artifact/layout.ts'
import { Halted } from '../store/store-calls.ts'
import type { Sending } from '../upload/send.ts'
import { Pack, packBytes } from './pack.ts'

/** Who packs, and where: packs lie with the attempt's files. */
export interface PackPlace {
  job: string
  attempt: string
  key: string
}

/** A pack from its first file to its being in the store. */
export class OpenPack {
  readonly key: string
  readonly tar: Pack
  /** The object's ETag, once it is stored. Rejects with Halted and StoreError. */
  readonly stored: Promise<string>
  readonly seal: () => void

  private constructor(key: string, tar: Pack, stored: Promise<string>, seal: () => void) {
    this.key = key
    this.tar = tar
    this.stored = stored
    this.seal = seal
  }

  /** Waits for a buffer, which it gives back once it is sealed and stored. Rejects with Halted. */
  static begin({ job, attempt, key }: PackPlace, { buffers, calls, store }: Sending): Promise<OpenPack> {
    const sealed = Promise.withResolvers<void>()
    return new Promise((resolve, reject) => {
      const stored = buffers.useFor(packBytes, async (buffer) => {
        if (calls.halted.aborted) throw new Halted('packing files')
        const tar = new Pack(buffer)
        resolve(new OpenPack(key, tar, stored, sealed.resolve))
        await sealed.promise
        // Its only file changed while it was read.
        if (tar.members === 0) return ''
        const object = layout.file(job, attempt, key)
        const what = `storing ${tar.members} files together`
        const { etag } = await calls.run(what, (signal) => store.put(object, tar.finish(), signal))
        return etag
      })
      // Each of its files hears of it too.
      stored.catch(reject)
    })
  }
}
