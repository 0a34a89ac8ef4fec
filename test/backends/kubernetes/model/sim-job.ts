import { at } from '../objects.ts'
import { seconds } from './sim-pod.ts'

/** A Job of the job, as the Job controller sees it. */
export interface SimJob {
  name: string
  uid: string
  number: number
  backoffLimit: number
  failed: number
  suspended: boolean
  verdict?: { type: 'Complete' | 'Failed'; at: number }
  turnedAt?: number
}

export function newJob(name: string, number: number, backoffLimit: number): SimJob {
  const uid = number === 0 ? 'job-uid' : `job-uid-${number}`
  return { name, uid, number, backoffLimit, failed: 0, suspended: false }
}

export function ownerOf({ name, uid }: SimJob) {
  return { name, uid }
}

export function conditionsOf({ verdict, turnedAt, suspended }: SimJob) {
  const one = (type: string, since: number, status = 'True', reason?: string) => ({
    ...{ type, status, lastTransitionTime: at(seconds(since)) },
    ...(reason !== undefined && { reason }),
  })
  const why = verdict?.type === 'Failed' ? 'BackoffLimitExceeded' : undefined
  return [
    ...(verdict ? [one(verdict.type, verdict.at, 'True', why)] : []),
    ...(turnedAt ? [one('Suspended', turnedAt, suspended ? 'True' : 'False')] : []),
  ]
}
