import { type Patience, repeatUntil } from '../repeat-until.ts'
import { DeliveryError, finalDeliveryError } from './delivery-error.ts'

/** Repeats `work` until it resolves. Rejects with DeliveryError, or with the signal's reason. */
export async function untilDelivered<T>(
  work: (signal: AbortSignal) => Promise<T>,
  patience: Patience,
): Promise<T> {
  const seconds = `${patience.timeoutSeconds} s after the beginning of the delivery (\`upload_timeout_seconds\`)`
  return await repeatUntil(work, patience, {
    otherwise: 'it did not answer',
    final: finalDeliveryError,
    tooLate: (problem, cause) => new DeliveryError('TargetUnavailable', `${problem}, ${seconds}`, { cause }),
  })
}
