import { delimiter, dirname } from 'node:path'
import { wordVariable } from '../../../job/word/word-folder.ts'
import type { StoreForUploaders } from '../../../store/store-factory.ts'
import type { AttemptFolders } from '../files/job-folders.ts'
import type { RunContext } from '../run/run-context.ts'
import { deliveryMarker, markerVariable, uploaderMarker, workerMarker } from './kill-processes.ts'

type Variables = Record<string, string>

const inherited = ['HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR']
const inheritedByUploader = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR']

/**
 * The variables that children inherit: a few harmless ones, since the others hold secrets. The
 * running Node comes first in PATH, so that `node` is a version that is new enough.
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
    [wordVariable]: folders.word,
    ...variables,
    RESULT_DIRECTORY: folders.result,
    INPUT_DIRECTORY: folders.input,
    [markerVariable]: workerMarker(attempt),
  }
}

export interface LocalUploader {
  attempt: string
  folders: AttemptFolders
  /** uploaderVariables() */
  variables: Variables
  store: StoreForUploaders
  /** Holds the store's `credentialFiles`. */
  credentialsDirectory: string
}

/** The uploader's environment, as sidecar/uploader-settings.ts describes it. */
export function uploaderEnvironment(
  base: Variables,
  own: NodeJS.ProcessEnv,
  { attempt, folders, variables, store, credentialsDirectory }: LocalUploader,
): Variables {
  return {
    ...base,
    ...pick(own, inheritedByUploader),
    ...variables,
    ATTEMPT_UID: attempt,
    TERMINATION_MESSAGE_FILE: folders.terminationMessage,
    ...store.variables(credentialsDirectory),
    [markerVariable]: uploaderMarker(attempt),
  }
}

/** The environment of a delivery, as sidecar/deliver/delivery-settings.ts reads it. */
export function deliveryEnvironment(
  { base, store, credentialsDirectory, secretsDirectory }: RunContext,
  own: NodeJS.ProcessEnv,
  {
    uuid,
    round,
    directory,
    orderFile,
  }: { uuid: string; round: number; directory: string; orderFile: string },
): Variables {
  return {
    ...base,
    ...pick(own, inheritedByUploader),
    JOB_UUID: uuid,
    DELIVERY_ROUND: String(round),
    ORDER_FILE: orderFile,
    STATE_DIRECTORY: directory,
    // Without a folder of Secrets no request names one.
    SECRETS_DIRECTORY: secretsDirectory ?? directory,
    ...store.variables(credentialsDirectory),
    [markerVariable]: deliveryMarker(uuid),
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
