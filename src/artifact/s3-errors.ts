import { messageOf } from '../errors.ts'
import { codeOf } from './error-code.ts'
import { StoreError, type StoreErrorKind } from './store.ts'

/**
 * What an answer that is no success means: S3's error code decides, the HTTP status where it is unknown or there can
 * be none: HEAD has no body. Any other answer without a code is not S3's word but that of something in front of it,
 * a gateway or a balancer, whose 404 says nothing of an object: later may help. retry.ts has the table.
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

/** A StoreError for an answer that is no success; `request` names what was asked, for people. */
export function errorOfAnswer(request: string, answer: FailedAnswer): StoreError {
  const kind = kindOfAnswer(answer.status, answer.code || undefined, answer.bodyless)
  const said = [answer.code, answer.message].filter((part) => part !== undefined && part !== '').join(': ')
  return new StoreError(kind, `${request}: ${answer.status}${said === '' ? '' : ` ${said}`}`)
}

/** A StoreError for a request or a body that the network cut short; a StoreError stays as it is. */
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
  /** It could have no body: a HEAD's. */
  bodyless?: boolean
}

/** Whoever said it, these mean the same: who asks is not let in, the condition doesn't hold, there is no room. */
const telling: ReadonlySet<number> = new Set([401, 403, 412, 416, 501, 507])

/** AWS' list of error codes, with those of MinIO (XMinio…) and Ceph (QuotaExceeded). */
const kinds: ReadonlyMap<string, StoreErrorKind> = new Map(
  Object.entries({
    // Parts that an upload doesn't have are as good as no upload: the file has to be sent anew.
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
      // MinIO's 499 for what was under way when it was told to end (minio/minio#21736).
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
