import { isFinal, type Job, type Phase, phaseOf, type State, states } from '../../job/job.ts'
import { defined } from '../../util/objects.ts'
import { listPosition } from '../records/list-position.ts'

/** The jobs that meet every given condition. */
export interface JobFilter {
  states?: ReadonlySet<State>
  phases?: ReadonlySet<Phase>
  /** Name of the configured job. */
  job?: string
  name?: string
  /** Name of the token that made it. */
  madeBy?: string
  /** Every one of them. */
  labels: readonly (readonly [key: string, value: string])[]
  /** Created at that time or later; milliseconds since the epoch. */
  since?: number
  /** Created before that time. */
  until?: number
}

/** The facts of a job that a filter judges beside state and time. They never change. */
export type JobNames = Pick<Job, 'job' | 'name' | 'labels' | 'made_by'>

export function judgedNames({ job, name, labels, made_by }: JobNames): JobNames {
  return { job, ...defined({ name, labels, made_by }) }
}

export function hasState(
  { states, phases }: JobFilter,
  { state, phase }: Pick<Job, 'state' | 'phase'>,
): boolean {
  return (states?.has(state) ?? true) && (phases?.has(phase) ?? true)
}

/** Whether it finds finished jobs at all. */
export function findsFinished(filter: JobFilter): boolean {
  return states.some((state) => isFinal(state) && hasState(filter, { state, phase: phaseOf(state) }))
}

/** The filter, of jobs that haven't ended alone. */
export function ofUnended(filter: JobFilter): JobFilter {
  const wanted = states.filter((state) => !isFinal(state) && (filter.states?.has(state) ?? true))
  return { ...filter, states: new Set(wanted) }
}

/** Whether a job can only be judged by its names. */
export function judgesNames({ job, name, madeBy, labels }: JobFilter): boolean {
  return job !== undefined || name !== undefined || madeBy !== undefined || labels.length > 0
}

export function hasNames({ job, name, madeBy, labels }: JobFilter, names: JobNames): boolean {
  return (
    (job === undefined || names.job === job) &&
    (name === undefined || names.name === name) &&
    (madeBy === undefined || names.made_by === madeBy) &&
    labels.every(([key, value]) => names.labels !== undefined && labelOf(names.labels, key) === value)
  )
}

/** `after` of the first page: the positions of the jobs created before `until` sort behind it. */
export function positionBefore({ until }: JobFilter): string | undefined {
  // `~` sorts after every uuid.
  return until === undefined ? undefined : listPosition('~', until)
}

/** True for the position of a job that was created before `since`, as all further ones were. */
export function isTooOld({ since }: JobFilter, position: string): boolean {
  return since !== undefined && position > listPosition('~', since)
}

function labelOf(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined
}
