import type { Packing } from '../../result-format/result-layout.ts'
import type { ResultLimits } from '../../result-format/result-limits.ts'
import type { StoreForUploaders } from '../../store/store-factory.ts'
import type { Clock } from '../../util/clock.ts'

export interface LocalSettings {
  /** Holds the jobs in `local/` and the environments in `environments/`. */
  dataDirectory: string
  /** The store of the results, as uploaders reach it. */
  store: StoreForUploaders
  /** For jobs whose results are packed; default: `defaultPacking`. */
  packing?: Packing
  /** Of every result; default: none. */
  limits?: ResultLimits
  /** Holds a folder for each Secret that an input may name; its files are the values. */
  secretsDirectory?: string
  /** Runs the uploader below its supervisor; default: this program's own. */
  uploader?: { command: string[] }
  /** Runs an attempt; default: this program's own. */
  supervisor?: { command: string[] }
  /** Jobs that run at once; default: the number of cores. */
  concurrency?: number
  /** True: callers may set only variables that the configured job's own `env` names. */
  namedVariablesOnly?: boolean
  /** Moved by tests; default: the system's. */
  clock?: Clock
}
