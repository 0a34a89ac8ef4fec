import type { LoggedContainer } from './backend.ts'
import type { JobRequest } from './request/request.ts'

/** What a kept log is of, as its key in the store and a job's record name it. */
export type LogName = 'worker' | 'uploader' | `step-${string}`

/** All logs that an attempt of the job may leave. */
export function logNames({ steps }: Pick<JobRequest, 'steps'>): LogName[] {
  const programs = steps?.map(({ name }): LogName => `step-${name}`) ?? (['worker'] as const)
  return [...programs, 'uploader']
}

export function logNameOf({ container, step }: LoggedContainer): LogName {
  return step === undefined ? container : `step-${step}`
}

export function loggedContainer(name: LogName): LoggedContainer {
  if (name === 'worker' || name === 'uploader') return { container: name }
  return { container: 'worker', step: name.slice('step-'.length) }
}
