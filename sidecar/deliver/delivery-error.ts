import type { DeliveryReason } from '../../src/job/deliveries/delivery-answer.ts'
import { DamagedManifest } from '../../src/result-format/manifest/manifest-format.ts'
import { StoreError } from '../../src/store/store.ts'
import { OutgoingError } from '../../src/util/egress/outgoing-calls.ts'
import { KindError, messageOf } from '../../src/util/errors.ts'
import { InputError } from '../inputs/input-error.ts'

/** A delivery that no further attempt brings to its end. */
export class DeliveryError extends KindError<DeliveryReason> {}

/** An error of this store, from which a delivery reads; `cause` is the error itself. */
export class ReadError extends Error {
  constructor(cause: unknown) {
    super(`this Jobferry's store: ${messageOf(cause)}`, { cause })
  }
}

/** The upload in parts is gone, not the bucket: the file can be sent again from its start. */
const uploadGone = ['NoSuchUpload', 'InvalidPart']

/** Undefined if a further attempt may succeed. */
export function finalDeliveryError(error: unknown): DeliveryError | undefined {
  const final = (reason: DeliveryReason, message = messageOf(error)) =>
    new DeliveryError(reason, message, { cause: error })
  if (error instanceof DeliveryError) return error
  if (error instanceof ReadError) return isDamage(error.cause) ? final('ResultDamaged') : undefined
  const refused = refusedAddress(error)
  if (refused !== undefined) return final('TargetRefused', refused)
  if (error instanceof InputError) return final('TargetRefused')
  if (!(error instanceof StoreError)) return undefined
  if (error.kind === 'full') return final('TargetFull')
  if (uploadGone.includes(error.s3Code ?? '')) return undefined
  return error.kind === 'unavailable' || error.kind === 'corrupt' ? undefined : final('TargetRefused')
}

function isDamage(error: unknown): boolean {
  if (error instanceof DamagedManifest || error instanceof DeliveryError) return true
  return error instanceof StoreError && ['not-found', 'precondition-failed'].includes(error.kind)
}

/** The connection's error is wrapped in the store's. */
function refusedAddress(error: unknown): string | undefined {
  if (error instanceof OutgoingError && error.kind === 'forbidden') return error.message
  return error instanceof Error && error.cause !== undefined ? refusedAddress(error.cause) : undefined
}
