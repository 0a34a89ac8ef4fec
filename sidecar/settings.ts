import type { Packing, ResultLayout } from '../src/artifact/result-layout.ts'

/**
 * The uploader's environment. Kubernetes' pod spec and the embedded backend write it, sidecar/main.ts reads it;
 * nothing else passes between them.
 */
export interface UploaderSettings {
  /** JOB_UUID */
  job: string
  /** ATTEMPT_UID: the pod's UID. */
  attempt: string
  /** RESULT_DIRECTORY: what is uploaded; only ever read. */
  resultDirectory: string
  /** INPUT_DIRECTORY: where inputs are put; with INPUTS_SHA256 alone. */
  inputDirectory?: string
  /** INPUTS_SHA256: of the list of inputs, which is called by it. Absent: no inputs. */
  inputsSha256?: string
  /**
   * STATE_DIRECTORY: survives the program and the container. `ready` is written there once the worker may start;
   * `terminating` with the milliseconds of the first SIGTERM.
   */
  stateDirectory: string
  /**
   * RESCUE=true: the worker and its uploader have ended without a final manifest. What that uploader's checkpoints
   * say is taken over, and storing begins at once; no worker is waited for, no input fetched.
   */
  rescue?: boolean
  /** UPLOADER_PORT: serves GET /ready (200 or 503) and GET /stop/<STOP_TOKEN>; absent: no port is opened. */
  port?: number
  /** STOP_TOKEN */
  stopToken?: string
  /** UPLOAD_TIMEOUT_SECONDS: from SIGTERM to the manifest. */
  uploadTimeoutSeconds: number
  /** RESULT_LAYOUT, default `files` */
  resultLayout: ResultLayout
  /** PACK_FILE_BYTES and PACK_FROM_COUNT, each with the default of `defaultPacking` */
  packing: Packing
  /** UPLOAD_WHILE_RUNNING=true: files that are settled go up while the worker runs. */
  uploadWhileRunning?: boolean
  /** TERMINATION_MESSAGE_FILE, default /dev/termination-log: gets a TerminationMessage as JSON. */
  terminationMessageFile: string
  /**
   * STORE_DIRECTORY: a folder; else S3_ENDPOINT, S3_BUCKET, S3_REGION, S3_PREFIX and CREDENTIALS_DIRECTORY with
   * the files `access-key` and `secret-key`, read again whenever they are used and have changed.
   */
  store:
    | { kind: 'folder'; directory: string }
    | {
        kind: 's3'
        endpoint: string
        bucket: string
        region: string
        prefix: string
        credentialsDirectory: string
      }
}

/** The uploader's last words: counts where it wrote the manifest, else a reason of contract.md's list. */
export type TerminationMessage =
  | { count: number; bytes: number; errors: number }
  | { reason: string; message: string }

/** Exit codes: the supervisor starts the program again after any other. */
export const exitCode = {
  /** The manifest is written. */
  committed: 0,
  /** It gave up for good and said why in its termination message. */
  gaveUp: 3,
} as const
