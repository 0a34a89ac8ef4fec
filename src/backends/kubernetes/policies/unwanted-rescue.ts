import { isUnwanted } from '../operations/rescue.ts'
import type { JobPolicy } from './job-policy.ts'

/** A stopped or deleted job needs no rescue of its results. */
export const unwantedRescue: JobPolicy<'end-rescue'> = ({ job, rescue }) =>
  isUnwanted(job, rescue) ? { action: 'end-rescue' } : undefined
