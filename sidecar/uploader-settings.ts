import type { UploaderRules } from '../src/job/outputs/output-rules.ts'
import type { Packing, ResultLayout } from '../src/result-format/result-layout.ts'
import type { ResultLimits } from '../src/result-format/result-limits.ts'
import type { UploaderStoreSettings } from '../src/store/store-kinds.ts'

/**
 * The uploader's environment: written by Kubernetes' pod spec and the embedded backend, read by
 * read-uploader-settings.ts. Nothing else passes between them.
 */
export interface UploaderSettings {
  /** JOB_UUID */
  job: string
  /** ATTEMPT_UID: the pod's UID. */
  attempt: string
  /** RESULT_DIRECTORY: the folder of the results; it is only read once the worker may run. */
  resultDirectory: string
  /** INPUT_DIRECTORY: the folder of the inputs; only with INPUTS_SHA256. */
  inputDirectory?: string
  /** INPUTS_SHA256: digest of the list of inputs, and the list's name. Absent: no inputs. */
  inputsSha256?: string
  /** RESTORE_JOB, RESTORE_ATTEMPT, RESTORE_TIMEOUT_SECONDS: the result begins with that one. */
  restore?: { uuid: string; attempt: string; timeoutSeconds: number }
  /** SECRETS_DIRECTORY: has a folder for each Secret that an input names; its files are the values. */
  secretsDirectory?: string
  /**
   * STATE_DIRECTORY: survives the program and the container. `ready` is written there once the
   * worker may start; `terminating` with the milliseconds of the first SIGTERM.
   */
  stateDirectory: string
  /**
   * RESCUE=true: the worker and its uploader have ended without a final manifest. This uploader
   * takes over the checkpoints and stores the rest at once; it waits for no worker and fetches no
   * inputs.
   */
  rescue?: boolean
  /** UPLOADER_PORT: for GET /ready, GET /stop/<PRE_STOP_TOKEN> and POST /end; absent: no port. */
  port?: number
  /** PRE_STOP_TOKEN: the kubelet's, for GET /stop alone. */
  preStopToken?: string
  /** END_KEY: verifies POST /end (src/job/end-call.ts). */
  endKey?: string
  /** STOP_TOKEN: in pods of version 0.2 and earlier, for /stop/<token> and POST /end/<token>. */
  stopToken?: string
  /** UPLOAD_TIMEOUT_SECONDS: from SIGTERM to the manifest. */
  uploadTimeoutSeconds: number
  /** RESULT_LAYOUT, default `files` */
  resultLayout: ResultLayout
  /** PACK_FILE_BYTES and PACK_FROM_COUNT, each with the default of `defaultPacking` */
  packing: Packing
  /** RESULT_MAX_BYTES and RESULT_MAX_ENTRIES; pods of version 0.2 have no limits. */
  limits: ResultLimits
  /**
   * FURTHER_STEPS=true: the job has several steps. SIGTERM may come while one still runs, since
   * Kubernetes has no preStop hook for it.
   */
  furtherSteps?: boolean
  /** RESULT_OUTPUTS: the request's `outputs` as JSON, without `when`; absent: everything. */
  outputs: UploaderRules
  /** UPLOAD_WHILE_RUNNING=true: settled files are uploaded while the worker runs. */
  uploadWhileRunning?: boolean
  /** WORD_DIRECTORY: the worker's JOBFERRY_DIRECTORY; absent in pods of version 0.2. */
  wordDirectory?: string
  /** HEARTBEAT_SECONDS: a silence of that length is said in the log. */
  heartbeatSeconds?: number
  /** TERMINATION_MESSAGE_FILE, default /dev/termination-log: gets a TerminationMessage as JSON. */
  terminationMessageFile: string
  /**
   * The variables of the store's factory in src/store/. Secrets are files in CREDENTIALS_DIRECTORY,
   * read again whenever they are used and have changed.
   */
  store: UploaderStoreSettings
}

/** Exit codes: the supervisor starts the program again after any other. */
export const exitCode = {
  /** The manifest is written. */
  committed: 0,
  /** It gave up for good; the termination message has the reason. */
  gaveUp: 3,
} as const
