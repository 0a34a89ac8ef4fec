import { jobKeys } from '../../src/result-format/job-keys.ts'
import { withoutForm } from '../../src/result-format/stored-form.ts'
import { StoreError } from '../../src/store/store.ts'
import { messageOf } from '../../src/util/errors.ts'
import type { EntryLine } from '../journal/line.ts'
import { reasonOf } from '../scan/found.ts'
import { Halted } from '../store/store-calls.ts'
import type { SharedObject } from '../upload/file-processor.ts'
import type { UploadContext } from '../upload/upload-context.ts'
import { Pack, packBytes } from './pack.ts'

export interface OpenPackOptions {
  job: string
  attempt: string
  /** Below the attempt's files. */
  key: string
  /** The pass waits for the pack. */
  onAwaited: (pack: OpenPack) => void
}

/** A pack from its first file until it is stored. */
export class OpenPack implements SharedObject {
  readonly key: string
  readonly tar: Pack
  readonly ended: Promise<void>
  /** No file follows: sends the pack, or drops it with `false`. */
  readonly seal: (send?: boolean) => void
  readonly #onAwaited: (pack: OpenPack) => void
  #outcome: Outcome | undefined

  private constructor(
    { key, onAwaited }: OpenPackOptions,
    buffer: Buffer,
    stored: Promise<Outcome>,
    seal: (send?: boolean) => void,
  ) {
    this.key = key
    this.tar = new Pack(buffer)
    this.seal = seal
    this.#onAwaited = onAwaited
    this.ended = stored.then((outcome) => {
      this.#outcome = outcome
    })
  }

  /**
   * Waits for a buffer, which is free again once the pack is sealed and stored. Rejects with
   * Halted.
   */
  static begin(options: OpenPackOptions, { buffers, calls, store }: UploadContext): Promise<OpenPack> {
    const { job, attempt, key } = options
    const sealed = Promise.withResolvers<boolean>()
    const outcome = Promise.withResolvers<Outcome>()
    const seal = (send = true) => sealed.resolve(send)
    return new Promise((resolve, reject) => {
      const stored = buffers.useFor(packBytes, async (buffer) => {
        if (calls.halted.aborted) throw new Halted('packing files')
        const opened = new OpenPack(options, buffer, outcome.promise, seal)
        resolve(opened)
        if (!(await sealed.promise)) throw new Halted('packing files')
        // Its only file changed while it was read.
        if (opened.tar.members === 0) return ''
        const object = jobKeys.file(job, attempt, key)
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

  onAwaited(): void {
    this.#onAwaited(this)
  }

  /** Adds the pack's ETag to the line. */
  lineOf(line: EntryLine): EntryLine | 'halted' | undefined {
    if (this.#outcome === undefined) return undefined
    if ('etag' in this.#outcome) {
      line.entry.etag = this.#outcome.etag
      return line
    }
    const { error } = this.#outcome
    if (error instanceof Halted) return 'halted'
    const { sha256: _, ...entry } = line.entry
    return { entry: { ...withoutForm(entry), error: errorText(error) }, changed: true }
  }
}

type Outcome = { etag: string } | { error: unknown }

/** The `error` of the entry of a file that could not be packed. */
export function errorText(error: unknown): string {
  return error instanceof StoreError ? `not stored: ${messageOf(error)}` : reasonOf(error)
}
