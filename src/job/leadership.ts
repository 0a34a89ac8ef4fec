/**
 * Leader election among the replicas of this program: at most one of them leads. The leader alone
 * finishes jobs, sends notifications and removes from the store.
 */
export interface Leadership {
  /** False soon after this replica can no longer prove that it leads, before another one may. */
  isLeader(): boolean
  /** Calls `listener` when isLeader() changes; returns the function that unsubscribes it. */
  onChange(listener: (isLeader: boolean) => void): () => void
}

/** Of a program without replicas: it always leads. */
export const soleLeader: Leadership = { isLeader: () => true, onChange: () => () => undefined }
