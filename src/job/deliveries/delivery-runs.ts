import type { JobRequest } from '../request/request.ts'
import type { DeliveryOrder } from './delivery-target.ts'

/** The programs that deliver results; each belongs to one round of a job's deliveries. */
export interface DeliveryRuns {
  /**
   * Starts the round's program unless it runs or has ended. `refused` means that the backend will
   * not take it, `waiting` that it may take it later. Rejects with Problem.
   */
  run(round: DeliveryRound): Promise<DeliveryProgress>
  /**
   * Ends all programs of the job's deliveries and removes what they had; nothing of them writes
   * any more. Idempotent.
   */
  end(uuid: string): Promise<void>
}

export interface DeliveryRound {
  uuid: string
  /** From 1 on. */
  number: number
  /** The job's: its labels, and where its pods may run. */
  request: JobRequest
  order: DeliveryOrder
}

/** `message`: what its start waits for, or how it ended. */
export interface DeliveryProgress {
  state: 'waiting' | 'running' | 'ended' | 'refused'
  message?: string
}
