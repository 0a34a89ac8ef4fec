import type { Log } from '../src/util/log.ts'
import type { Ledger } from './pass/ledger.ts'
import type { PassContext } from './pass/pass.ts'
import type { PassUploads } from './pass/pass-processors.ts'
import type { Obstacle } from './store/obstacle.ts'
import type { Trouble } from './store/store-calls.ts'

/** All that uploading the results of one attempt works with. */
export interface ResultsContext extends PassContext {
  log: Log
  /** Of the newest pass; `obstacle` is one of this machine, not of the store. */
  current: { ledger?: Ledger; obstacle?: Obstacle }
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
