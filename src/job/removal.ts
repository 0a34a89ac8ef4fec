/**
 * - `creation`: a suspended Job whose creation was given up half-way
 * - `upload`: uploads in parts that an ended attempt left open
 * - `attempt`: what attempts left that later ones replaced
 * - `object`: what lies beside a result and is no part of it
 * - `result`: a result past its time
 * - `record`: what was left of a job whose result expired long ago
 * - `orphan`: a folder that neither a job nor a record owns
 * - `index`: an entry of the list of jobs whose record is gone
 */
export type RemovalKind =
  | 'creation'
  | 'upload'
  | 'attempt'
  | 'object'
  | 'result'
  | 'record'
  | 'orphan'
  | 'index'

/** What is removed without anybody's asking for it. */
export interface Removal {
  kind: RemovalKind
  job: string
  why: string
  /** In the store; of `upload` the uploads, of `creation` the Job. */
  objects: number
  bytes: number
}

export interface RemovalRules {
  /** Nothing is removed, only told. */
  dryRun: boolean
  /** Is told of each removal that was done, or would be. */
  tell(removal: Removal): void
}

/** Removes and tells nobody. */
export const quietRemoval: RemovalRules = { dryRun: false, tell: () => undefined }
