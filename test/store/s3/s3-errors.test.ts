import { describe, expect, it } from 'vitest'
import { errorOfAnswer, errorOfFailure, kindOfAnswer } from '../../../src/store/s3/s3-errors.ts'
import { StoreError, type StoreErrorKind } from '../../../src/store/store.ts'

describe('the StoreError of an S3 answer', () => {
  it.each<[number, string | undefined, StoreErrorKind]>([
    [404, 'NoSuchBucket', 'not-found'],
    [404, 'SomethingNew', 'not-found'],
    [404, 'NoSuchKey', 'not-found'],
    [404, 'NoSuchUpload', 'not-found'],
    [412, undefined, 'precondition-failed'],
    [412, 'PreconditionFailed', 'precondition-failed'],
    [400, 'XMinioInvalidObjectName', 'invalid'],
    [400, 'KeyTooLongError', 'invalid'],
    [416, 'InvalidRange', 'invalid'],
    [499, 'ClientDisconnected', 'unavailable'],
    [499, undefined, 'unavailable'],
    [400, 'InvalidPart', 'not-found'],
    [400, 'InvalidPartOrder', 'invalid'],
    [400, 'EntityTooSmall', 'invalid'],
    [400, 'InvalidArgument', 'invalid'],
    [301, 'PermanentRedirect', 'invalid'],
    [307, 'TemporaryRedirect', 'unavailable'],
    [501, 'NotImplemented', 'invalid'],
    [501, undefined, 'invalid'],
    [416, undefined, 'invalid'],
    [403, undefined, 'denied'],
    [401, undefined, 'denied'],
    [403, 'InvalidAccessKeyId', 'denied'],
    [403, 'SignatureDoesNotMatch', 'denied'],
    [403, 'RequestTimeTooSkewed', 'denied'],
    [400, 'ExpiredToken', 'denied'],
    [400, 'InvalidToken', 'denied'],
    [400, 'XMinioAdminBucketQuotaExceeded', 'full'],
    [403, 'QuotaExceeded', 'full'],
    [507, 'XMinioStorageFull', 'full'],
    [507, undefined, 'full'],
    [400, 'BadDigest', 'corrupt'],
    [400, 'XAmzContentChecksumMismatch', 'corrupt'],
    [400, 'IncompleteBody', 'corrupt'],
    [400, 'RequestTimeout', 'unavailable'],
    [409, 'OperationAborted', 'unavailable'],
    [503, 'XMinioServerNotInitialized', 'unavailable'],
    [503, 'SlowDownWrite', 'unavailable'],
    [503, 'SlowDown', 'unavailable'],
    [503, undefined, 'unavailable'],
    [500, 'InternalError', 'unavailable'],
    [200, 'InternalError', 'unavailable'],
    [502, undefined, 'unavailable'],
    [429, undefined, 'unavailable'],
    [408, undefined, 'unavailable'],
  ])('%d %s is %s', (status, code, kind) => {
    expect(kindOfAnswer(status, code)).toBe(kind)
  })

  it.each<[number, StoreErrorKind, StoreErrorKind]>([
    [301, 'unavailable', 'invalid'],
    [307, 'unavailable', 'invalid'],
    [400, 'unavailable', 'invalid'],
    [404, 'unavailable', 'not-found'],
    [405, 'unavailable', 'invalid'],
    [413, 'unavailable', 'invalid'],
    [403, 'denied', 'denied'],
    [412, 'precondition-failed', 'precondition-failed'],
    [502, 'unavailable', 'unavailable'],
  ])(
    '%d without a code is %s, as a gateway may have sent it; to a HEAD, whose answer has no body, it is %s',
    (status, other, head) => {
      expect(kindOfAnswer(status, undefined)).toBe(other)
      expect(errorOfAnswer('GET bucket/key', { status, code: '' }).kind).toBe(other)
      expect(kindOfAnswer(status, undefined, true)).toBe(head)
    },
  )

  it("names the request, the status and the store's code and message", () => {
    const error = errorOfAnswer('PUT bucket/key', {
      status: 503,
      code: 'SlowDown',
      message: 'Please slow down.',
    })
    expect(error).toMatchObject({
      kind: 'unavailable',
      message: 'PUT bucket/key: 503 SlowDown: Please slow down.',
    })
    expect(errorOfAnswer('HEAD bucket/key', { status: 403 }).message).toBe('HEAD bucket/key: 403')
  })

  it('of a network failure keeps the cause and its code', () => {
    const cause = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' })
    const error = errorOfFailure('GET bucket/key', cause)
    expect(error).toMatchObject({
      kind: 'unavailable',
      message: 'GET bucket/key: other side closed (UND_ERR_SOCKET)',
      cause,
    })
    const known = new StoreError('denied', 'no credentials')
    expect(errorOfFailure('GET bucket/key', known)).toBe(known)
  })
})
