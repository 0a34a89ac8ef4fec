import { delimiter, dirname } from 'node:path'
import type { FolderConfig, S3Config } from '../config-backends.ts'
import type { AttemptFolders } from './folders.ts'
import { markerVariable, uploaderMarker, workerMarker } from './kill.ts'

/** Where the uploader puts what it finds. */
export type LocalStore = FolderConfig | S3Config

type Variables = Record<string, string>

const inherited = ['HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR']
const inheritedByUploader = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR']

/**
 * What children get of this program's own environment: a few harmless names, since the rest holds its secrets.
 * The running Node comes first in PATH, so that `node` means a version that is known to be new enough.
 */
export function baseEnvironment(own: NodeJS.ProcessEnv, node: string): Variables {
  const path = [dirname(node), own.PATH ?? '/usr/local/bin:/usr/bin:/bin'].join(delimiter)
  return { PATH: path, ...pick(own, inherited) }
}

/** The worker's environment; `variables` are the job's own, merged. */
export function workerEnvironment(
  base: Variables,
  variables: Variables,
  attempt: string,
  folders: AttemptFolders,
): Variables {
  return {
    ...base,
    ...variables,
    RESULT_DIRECTORY: folders.result,
    INPUT_DIRECTORY: folders.input,
    [markerVariable]: workerMarker(attempt),
  }
}

export interface UploaderSubject {
  job: string
  attempt: string
  folders: AttemptFolders
  inputsSha256: string | undefined
  uploadTimeoutSeconds: number
  /** packingVariables() */
  packing: Variables
  uploadWhileRunning: boolean
  store: LocalStore
  /** Holds `access-key` and `secret-key`; for S3 alone. */
  credentialsDirectory: string
}

/** The uploader's environment, as sidecar/settings.ts describes it. */
export function uploaderEnvironment(
  base: Variables,
  own: NodeJS.ProcessEnv,
  subject: UploaderSubject,
): Variables {
  const { folders, inputsSha256 } = subject
  const inputs =
    inputsSha256 === undefined ? {} : { INPUT_DIRECTORY: folders.input, INPUTS_SHA256: inputsSha256 }
  return {
    ...base,
    ...pick(own, inheritedByUploader),
    ...inputs,
    JOB_UUID: subject.job,
    ATTEMPT_UID: subject.attempt,
    RESULT_DIRECTORY: folders.result,
    STATE_DIRECTORY: folders.state,
    UPLOAD_TIMEOUT_SECONDS: String(subject.uploadTimeoutSeconds),
    ...subject.packing,
    UPLOAD_WHILE_RUNNING: String(subject.uploadWhileRunning),
    TERMINATION_MESSAGE_FILE: folders.terminationMessage,
    ...storeVariables(subject.store, subject.credentialsDirectory),
    [markerVariable]: uploaderMarker(subject.attempt),
  }
}

function storeVariables(store: LocalStore, credentialsDirectory: string): Variables {
  if (store.kind === 'folder') return { STORE_DIRECTORY: store.directory }
  return {
    S3_ENDPOINT: store.endpoint,
    S3_BUCKET: store.bucket,
    S3_REGION: store.region,
    S3_PREFIX: store.prefix,
    CREDENTIALS_DIRECTORY: credentialsDirectory,
  }
}

function pick(own: NodeJS.ProcessEnv, names: readonly string[]): Variables {
  const picked: Variables = {}
  for (const name of names) {
    const value = own[name]
    if (value !== undefined) picked[name] = value
  }
  return picked
}
