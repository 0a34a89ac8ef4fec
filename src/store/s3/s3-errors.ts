import { codeOf } from '../../util/error-code.ts'
import { messageOf } from '../../util/errors.ts'
import { StoreError, type StoreErrorKind } from '../store.ts'

/**
 * The kind of error for a failed answer (table in retry.ts). S3's error code decides, or the HTTP
 * status if the code is unknown or the answer is a HEAD's, which has no body. Any other answer
 * without a code is from a gateway or load balancer, whose 404 does not mean that the object is
 * missing: `unavailable`.
 */
export function kindOfAnswer(status: number, code: string | undefined, bodyless = false): StoreErrorKind {
  const known = code === undefined ? undefined : kinds.get(code)
  if (known !== undefined) return known
  if (code === undefined && !bodyless && !telling.has(status)) return 'unavailable'
  if (status === 404) return 'not-found'
  if (status === 412) return 'precondition-failed'
  if (status === 401 || status === 403) return 'denied'
  if (status === 507) return 'full'
  if (status === 501) return 'invalid'
  if (status === 408 || status === 429 || status === 499 || status >= 500) return 'unavailable'
  return 'invalid'
}

/** A StoreError for a failed answer; `request` names the request in the message. */
export function errorOfAnswer(request: string, answer: FailedAnswer): StoreError {
  const kind = kindOfAnswer(answer.status, answer.code || undefined, answer.bodyless)
  const said = [answer.code, answer.message].filter((part) => part !== undefined && part !== '').join(': ')
  return new StoreError(kind, `${request}: ${answer.status}${said === '' ? '' : ` ${said}`}`, {
    s3Code: answer.code,
  })
}

/** A StoreError `unavailable` for a network failure; returns a StoreError unchanged. */
export function errorOfFailure(request: string, failure: unknown): StoreError {
  if (failure instanceof StoreError) return failure
  const code = codeOf(failure)
  const text = messageOf(failure)
  const said = code === undefined || text.includes(code) ? text : `${text} (${code})`
  return new StoreError('unavailable', `${request}: ${said}`, { cause: failure })
}

export interface FailedAnswer {
  status: number
  /** S3's error code, from the XML body. */
  code?: string | undefined
  message?: string | undefined
  /** True for the answer to a HEAD, which has no body. */
  bodyless?: boolean
}

/**
 * Statuses with the same meaning from a gateway: denied, failed condition or range, unsupported,
 * full.
 */
const telling: ReadonlySet<number> = new Set([401, 403, 412, 416, 501, 507])

/** Error codes of AWS, MinIO (XMinio…) and Ceph (QuotaExceeded). */
const kinds: ReadonlyMap<string, StoreErrorKind> = new Map(
  Object.entries({
    // An upload without its parts is as useless as a missing upload: the file must be sent again.
    'not-found': ['InvalidPart', 'NoSuchBucket', 'NoSuchKey', 'NoSuchUpload', 'NoSuchVersion', 'NotFound'],
    'precondition-failed': ['PreconditionFailed'],
    invalid: [
      'InvalidRange',
      'XMinioInvalidObjectName',
      'XMinioObjectExistsAsDirectory',
      'XMinioParentIsObject',
    ],
    denied: [
      'AccessDenied',
      'AccountProblem',
      'AllAccessDisabled',
      'ExpiredToken',
      'InvalidAccessKeyId',
      'InvalidToken',
      'InvalidTokenId',
      'NotSignedUp',
      'RequestTimeTooSkewed',
      'SignatureDoesNotMatch',
      'TokenRefreshRequired',
      'UnauthorizedAccess',
      'XMinioAdminAccountNotEligible',
    ],
    full: ['QuotaExceeded', 'XMinioAdminBucketQuotaExceeded', 'XMinioStorageFull', 'InsufficientStorage'],
    corrupt: [
      'BadDigest',
      'ContentSHA256Mismatch',
      'IncompleteBody',
      'InvalidChecksum',
      'XAmzContentChecksumMismatch',
      'XAmzContentSHA256Mismatch',
      'XMinioContentSHA256Mismatch',
    ],
    unavailable: [
      // MinIO answers 499 to requests in flight when it shuts down (minio/minio#21736).
      'ClientDisconnected',
      'ConditionalRequestConflict',
      'InternalError',
      'OperationAborted',
      'RequestTimeout',
      'ServiceUnavailable',
      'SlowDown',
      'SlowDownRead',
      'SlowDownWrite',
      'TemporaryRedirect',
      'Throttling',
      'ThrottlingException',
      'TooManyRequests',
      'XMinioBackendDown',
      'XMinioIAMNotInitialized',
      'XMinioServerNotInitialized',
    ],
  } satisfies Record<StoreErrorKind, string[]>).flatMap(([kind, codes]) =>
    codes.map((code): [string, StoreErrorKind] => [code, kind as StoreErrorKind]),
  ),
)
