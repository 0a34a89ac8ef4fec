import type { Packing } from '../result-format/result-layout.ts'
import { limitVariables, type ResultLimits } from '../result-format/result-limits.ts'
import { defaultInputTimeoutSeconds } from './inputs/input-list.ts'
import { outputVariables } from './outputs/output-rules.ts'
import { packingVariables } from './request/packing.ts'
import type { JobRequest } from './request/request.ts'
import type { Restart } from './steps/restart.ts'

/** The job that an uploader serves. */
export interface UploadedJob {
  uuid: string
  request: JobRequest
  /** Of the list of its inputs; undefined without inputs. */
  inputsSha256: string | undefined
  /** The result that its own begins with. */
  restart?: Restart | undefined
}

/** Where the uploader of an attempt finds its files. */
export interface UploaderPaths {
  results: string
  inputs: string
  state: string
  /** The worker's JOBFERRY_DIRECTORY. */
  word: string
  /** Undefined if no input names a Secret. */
  secrets: string | undefined
}

/** The operator's settings for the uploader. */
export interface OperatorRules {
  packing: Packing
  limits: ResultLimits | undefined
}

/**
 * The variables of every uploader, and `own` ones of its backend; sidecar/read-uploader-settings.ts
 * reads them.
 */
export function uploaderVariables(
  { uuid, request, inputsSha256, restart }: UploadedJob,
  paths: UploaderPaths,
  { packing, limits }: OperatorRules,
  own: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    JOB_UUID: uuid,
    RESULT_DIRECTORY: paths.results,
    ...(inputsSha256 !== undefined && { INPUT_DIRECTORY: paths.inputs, INPUTS_SHA256: inputsSha256 }),
    ...(paths.secrets !== undefined && { SECRETS_DIRECTORY: paths.secrets }),
    ...(restart && restoreVariables(restart, request)),
    STATE_DIRECTORY: paths.state,
    ...own,
    UPLOAD_TIMEOUT_SECONDS: String(request.upload_timeout_seconds),
    ...packingVariables(request, packing),
    ...limitVariables(limits),
    ...outputVariables(request.outputs),
    // Records of version 0.1 lack the field.
    UPLOAD_WHILE_RUNNING: String(request.upload_while_running !== false),
    WORD_DIRECTORY: paths.word,
    ...(request.heartbeat_seconds !== undefined && { HEARTBEAT_SECONDS: String(request.heartbeat_seconds) }),
  }
}

function restoreVariables({ uuid, attempt }: Restart, request: JobRequest): Record<string, string> {
  const seconds = request.input_timeout_seconds ?? defaultInputTimeoutSeconds
  return { RESTORE_JOB: uuid, RESTORE_ATTEMPT: attempt, RESTORE_TIMEOUT_SECONDS: String(seconds) }
}
