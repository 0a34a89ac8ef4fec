/**
 * - `creation`: a suspended Job whose creation was not completed
 * - `upload`: multipart uploads that an ended attempt left open
 * - `attempt`: objects of attempts that later ones replaced
 * - `object`: objects beside a result that are no part of it
 * - `result`: a result past its time
 * - `record`: the record of a job whose result expired long ago
 * - `orphan`: a folder that neither a job nor a record owns
 * - `kept-input`: contents of uploads that are needed no more
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
  | 'kept-input'
  | 'index'

/** A removal that no caller asked for. */
export interface Removal {
  kind: RemovalKind
  /** Absent where it is of no job. */
  job?: string
  why: string
  /** Objects in the store; for `upload` the number of uploads, for `creation` the Job. */
  objects: number
  bytes: number
}

export interface RemovalRules {
  /** Removals are only reported, not done. */
  dryRun: boolean
  /** Called for each removal that was done, or would be. */
  report(removal: Removal): void
}

/** Removes without a report. */
export const quietRemoval: RemovalRules = { dryRun: false, report: () => undefined }
