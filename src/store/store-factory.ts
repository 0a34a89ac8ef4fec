import type { LookupFunction } from 'node:net'
import type { ArtifactStore } from './store.ts'

/**
 * One kind of store: opens it from its settings and says how uploaders reach it. The functions
 * import their adapter only when called: other libraries would cost start time and memory in every
 * pod.
 */
export interface StoreFactory<Settings, UploaderSettings> {
  open(settings: Settings): Promise<ArtifactStore>
  /** For uploaders that are child processes of the API. */
  forChildren(settings: Settings): StoreForUploaders
  /** For uploaders in pods; undefined if pods can't reach the store. */
  forPods(settings: Settings): StoreForUploaders | undefined
  /** The environment variable that each uploader of this store has, and no uploader of another. */
  variable: string
  /** Reads `StoreForUploaders.variables`; `required` notes a missing one and returns ''. */
  readVariables(
    environment: Readonly<Record<string, string | undefined>>,
    required: (name: string) => string,
  ): UploaderSettings
  /** `lookup` finds the store's address; default: the system's. */
  openInUploader(settings: UploaderSettings, lookup?: LookupFunction): Promise<ArtifactStore>
}

/**
 * Makes and revokes credentials that open one folder alone: keys with that prefix, which ends in
 * `/`. Rejects with StoreError.
 */
export interface FolderCredentials {
  /**
   * The files' contents; the same for the same folder. They read the keys with the prefixes
   * `readable` too.
   */
  issue(folder: string, readable?: readonly string[]): Promise<Record<string, string>>
  revoke(folder: string): Promise<void>
  /** Resolves if the store makes such credentials; rejects `denied` if it refuses. */
  check(): Promise<void>
  close(): Promise<void>
}

/** What uploaders are given to reach the store. */
export interface StoreForUploaders {
  /** The environment variables, of which none is secret. */
  variables(credentialsDirectory: string): Record<string, string>
  /** Names and contents of the files in the credentials directory; may be empty. */
  credentialFiles: Record<string, string>
  /** Gives each job credentials of its own, in files of the same names; absent: all have the ones above. */
  folderCredentials?: FolderCredentials
  /** For the log at start: what should be set otherwise. */
  warning?: string | undefined
}
