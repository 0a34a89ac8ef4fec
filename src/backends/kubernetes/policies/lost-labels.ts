import type { JobPolicy } from './job-policy.ts'

/** Without our labels no watch would show the Job again. */
export const lostLabels: JobPolicy<'restore-labels'> = ({ unlabelled, agains }) =>
  unlabelled || agains.some((one) => one.unlabelled) ? { action: 'restore-labels' } : undefined
