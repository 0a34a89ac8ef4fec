import { expect, it } from 'vitest'
import { DeliveryError, finalDeliveryError, ReadError } from '../../../sidecar/deliver/delivery-error.ts'
import { InputError } from '../../../sidecar/inputs/input-error.ts'
import { errorOfAnswer } from '../../../src/store/s3/s3-errors.ts'
import { StoreError } from '../../../src/store/store.ts'
import { OutgoingError } from '../../../src/util/egress/outgoing-calls.ts'

const forbidden = new OutgoingError('forbidden', '10.0.0.1 is a private address')

it.each([
  [new StoreError('full', 'x'), 'TargetFull'],
  [new StoreError('denied', 'x'), 'TargetRefused'],
  [errorOfAnswer('PUT', { status: 404, code: 'NoSuchBucket' }), 'TargetRefused'],
  [new StoreError('invalid', 'x'), 'TargetRefused'],
  [new StoreError('unavailable', 'fetch failed', { cause: forbidden }), 'TargetRefused'],
  [new InputError('InputInvalid', 'x'), 'TargetRefused'],
  [new ReadError(new StoreError('not-found', 'x')), 'ResultDamaged'],
  [new ReadError(new DeliveryError('ResultDamaged', 'x')), 'ResultDamaged'],
])('%s of a delivery is the last word: %s', (error, reason) => {
  expect(finalDeliveryError(error)?.kind).toBe(reason)
})

it.each([
  new StoreError('unavailable', 'x'),
  new StoreError('corrupt', 'x'),
  errorOfAnswer('PUT', { status: 404, code: 'NoSuchUpload' }),
  errorOfAnswer('POST', { status: 400, code: 'InvalidPart' }),
  new ReadError(new StoreError('unavailable', 'x')),
  new ReadError(new StoreError('denied', 'x')),
  new Error('the Secret "s" is not there'),
])('%s of a delivery may pass', (error) => {
  expect(finalDeliveryError(error)).toBe(undefined)
})
