import type { WorkerWord } from '../src/result-format/worker-word.ts'
import type { Log } from '../src/util/log.ts'
import type { Ledger } from './pass/ledger.ts'
import type { PassContext } from './pass/pass.ts'
import type { PassUploads } from './pass/pass-processors.ts'
import type { Obstacle } from './store/obstacle.ts'
import type { StoreCalls, Trouble } from './store/store-calls.ts'

/** All that uploading the results of one attempt works with. */
export interface ResultsContext extends PassContext {
  log: Log
  /** Of the newest pass; `obstacle` is one of this machine, not of the store. */
  current: { ledger?: Ledger; obstacle?: Obstacle }
  /** Absent without the worker's folder for it. */
  words?: Words
  /** Absent where nothing was uploaded while the worker ran. */
  live?: LiveUploads
}

/** What began while the worker ran, for the passes after its end. */
export interface LiveUploads {
  readonly trouble: Trouble | undefined
  /** The uploads of the next pass: it takes over files in flight. */
  successor(): PassUploads
  halt(patienceMs: number): Promise<void>
}

/** What the worker says of itself. */
export interface Words {
  readonly word: WorkerWord | undefined
  /** Looks until `stopSignal` is aborted. Never rejects. */
  run(stopSignal: AbortSignal): Promise<void>
  /** When a `publish` was seen that is not answered yet; milliseconds since the epoch. */
  readonly publishWanted: number | undefined
  published(wantedAt: number): void
  /** Looks once more after the worker's end, when nothing is half written. Never rejects. */
  hear(): Promise<void>
  /**
   * Takes the last word, and stores its values. True if it differs from the one taken before.
   * Rejects with Halted.
   */
  take(calls: StoreCalls): Promise<boolean>
}
