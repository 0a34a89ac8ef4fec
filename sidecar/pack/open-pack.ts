import { layout } from '../../src/artifact/layout.ts'
import { StoreError } from '../../src/artifact/store.ts'
import { messageOf } from '../../src/errors.ts'
import type { KnownLine } from '../known/line.ts'
import { reasonOf } from '../scan/found.ts'
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
  /** Settles when it is stored or can't be; never rejects. */
  readonly ended: Promise<void>
  /** Nothing is added to it any more: has it sent, or with `false` given up. */
  readonly seal: (send?: boolean) => void
  #outcome: Outcome | undefined

  private constructor(
    { key, buffer }: { key: string; buffer: Buffer },
    stored: Promise<Outcome>,
    seal: (send?: boolean) => void,
  ) {
    this.key = key
    this.tar = new Pack(buffer)
    this.seal = seal
    this.ended = stored.then((outcome) => {
      this.#outcome = outcome
    })
  }

  /** Waits for a buffer, which it gives back once it is sealed and stored. Rejects with Halted. */
  static begin({ job, attempt, key }: PackPlace, { buffers, calls, store }: Sending): Promise<OpenPack> {
    const sealed = Promise.withResolvers<boolean>()
    const outcome = Promise.withResolvers<Outcome>()
    const seal = (send = true) => sealed.resolve(send)
    return new Promise((resolve, reject) => {
      const stored = buffers.useFor(packBytes, async (buffer) => {
        if (calls.halted.aborted) throw new Halted('packing files')
        const opened = new OpenPack({ key, buffer }, outcome.promise, seal)
        resolve(opened)
        if (!(await sealed.promise)) throw new Halted('packing files')
        // Its only file changed while it was read.
        if (opened.tar.members === 0) return ''
        const object = layout.file(job, attempt, key)
        const what = `storing ${opened.tar.members} files together`
        const body = opened.tar.finish()
        const { etag } = await calls.run(what, (signal) => store.put(object, body, signal))
        return etag
      })
      stored.then(
        (etag) => outcome.resolve({ etag }),
        (error: unknown) => {
          outcome.resolve({ error })
          reject(error)
        },
      )
    })
  }

  /** What is to be written down of a file in it, whose line lacks the ETag; undefined until it has ended. */
  lineOf(line: KnownLine): KnownLine | 'halted' | undefined {
    if (this.#outcome === undefined) return undefined
    if ('etag' in this.#outcome) {
      line.entry.etag = this.#outcome.etag
      return line
    }
    const { error } = this.#outcome
    if (error instanceof Halted) return 'halted'
    const { sha256: _s, key: _k, offset: _o, etag: _e, ...entry } = line.entry
    return { entry: { ...entry, error: errorText(error) }, changed: true }
  }
}

type Outcome = { etag: string } | { error: unknown }

/** What a manifest says of a file that could not be packed. */
export function errorText(error: unknown): string {
  return error instanceof StoreError ? `not stored: ${messageOf(error)}` : reasonOf(error)
}
