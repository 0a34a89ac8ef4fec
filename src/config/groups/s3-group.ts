import * as z from 'zod'
import type { S3StoreSettings } from '../../store/s3/s3-factory.ts'
import { certificatesIn } from '../certificates.ts'
import { flagSetting, groupMeta, httpUrlSetting, settingMeta } from '../setting.ts'

/**
 * Requests to a store are signed for its host; a path or a user in the address would be lost
 * without a word.
 */
const storeUrl = httpUrlSetting.refine(
  (url) => new URL(url).href === `${new URL(url).origin}/`,
  'expected scheme, host and port alone, without a path',
)

export const s3Group = z
  .object({
    endpoint: storeUrl.optional().register(settingMeta, {
      description: 'Address of the store: scheme, host and port alone. Needed on Kubernetes.',
    }),
    endpointForPods: storeUrl.optional().register(settingMeta, {
      default: 'S3_ENDPOINT',
      description: 'Address of the store as pods reach it.',
    }),
    publicEndpoint: storeUrl.optional().register(settingMeta, {
      default: 'S3_ENDPOINT; in a pod none',
      description: 'Address of the store as callers reach it, for `redirect=true`.',
    }),
    bucket: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "expected a bucket's name: 3 to 63 of a-z, 0-9, - and .")
      .default('jobferry')
      .register(settingMeta, {
        description:
          'Bucket of the results; Jobferry creates it if S3_ACCESS_KEY allows that. Each Jobferry needs a bucket or a prefix of its own: it removes folders of jobs that it does not know after an hour.',
      }),
    region: z.string().default('us-east-1').register(settingMeta, { description: 'Region of the bucket.' }),
    prefix: z
      .string()
      .regex(/^([^/]+\/)*[^/]*$/, 'expected a relative prefix without empty components')
      .refine((prefix) => Buffer.byteLength(prefix) <= 38, 'expected at most 38 bytes: S3 keys end at 1024')
      .default('')
      .register(settingMeta, { description: 'Beginning of every key in the bucket; at most 38 bytes.' }),
    ca: z.string().transform(certificatesIn).optional().register(settingMeta, {
      description:
        'Certificates in PEM of the authority that signed the certificate of the store, for API and pods; S3_CA_FILE names a file with them. With it no other authority is accepted for the store.',
    }),
    signParts: flagSetting().register(settingMeta, {
      description:
        '1: the signature covers also the parts of large files. Without it an attacker between uploader and store can make such a file unreadable over plain http, but can not have changed bytes delivered: each read checks the SHA-256.',
    }),
    accessKey: z.string().optional().register(settingMeta, {
      secret: true,
      description: "The API's own key for the store. Needed with S3_ENDPOINT.",
    }),
    secretKey: z.string().optional().register(settingMeta, {
      secret: true,
      description: 'Secret of S3_ACCESS_KEY. Needed with S3_ENDPOINT.',
    }),
    uploaderAccessKey: z.string().optional().register(settingMeta, {
      secret: true,
      default: 'S3_ACCESS_KEY',
      description: "Key for the pods' uploaders; it should be limited to `jobs/*` of the bucket.",
    }),
    uploaderSecretKey: z.string().optional().register(settingMeta, {
      secret: true,
      default: 'S3_SECRET_KEY',
      description: 'Secret of S3_UPLOADER_ACCESS_KEY.',
    }),
    uploaderCredentials: z
      .enum(['shared', 'job'], { error: 'expected shared or job' })
      .default('shared')
      .register(settingMeta, {
        description:
          'On Kubernetes: `job` makes a MinIO access key for each job, which opens `jobs/<uuid>/` alone and is removed at its end; S3_ACCESS_KEY must be allowed to make access keys. With `shared` all uploaders have S3_UPLOADER_ACCESS_KEY.',
      }),
    readerCredentials: z
      .enum(['access-key', 'session'], { error: 'expected access-key or session' })
      .optional()
      .register(settingMeta, {
        default: '`access-key`; on AWS `session`',
        description:
          'How a key for one object is made for data spaces: `access-key` makes a MinIO access key, `session` calls AssumeRole. See [From S3](dataspace/from-s3.md).',
      }),
    stsEndpoint: httpUrlSetting.optional().register(settingMeta, {
      default: 'S3_ENDPOINT',
      description: 'Address of AssumeRole, for `session`.',
    }),
    stsRoleArn: z.string().optional().register(settingMeta, {
      description: 'Role for AssumeRole; AWS needs it.',
    }),
  })
  .register(groupMeta, {
    title: 'Store (S3)',
    prefix: 'S3',
    description: 'Without S3_ENDPOINT the results of child processes are kept in a folder.',
  })

export type S3Group = z.output<typeof s3Group>

/** Problems of reaching the store with these settings. */
export function validateS3(s3: S3Group, onKubernetes: boolean): string[] {
  if (!s3.endpoint) return []
  const problems = []
  if (onKubernetes && Boolean(s3.uploaderAccessKey) !== Boolean(s3.uploaderSecretKey)) {
    problems.push('S3_UPLOADER_ACCESS_KEY: expected together with S3_UPLOADER_SECRET_KEY')
  }
  if (s3.uploaderCredentials === 'job' && s3.uploaderAccessKey) {
    problems.push(
      'S3_UPLOADER_CREDENTIALS: is job; expected shared with S3_UPLOADER_ACCESS_KEY, or job without it',
    )
  }
  if (!s3.accessKey) problems.push('S3_ACCESS_KEY: missing; expected with S3_ENDPOINT')
  if (!s3.secretKey) problems.push('S3_SECRET_KEY: missing; expected with S3_ENDPOINT')
  if (s3.ca !== undefined && ![s3.endpoint, s3.endpointForPods].some((url) => url?.startsWith('https:'))) {
    problems.push('S3_CA: no address of the store is https; expected S3_ENDPOINT with https:// or no S3_CA')
  }
  return problems
}

/**
 * Undefined without S3_ENDPOINT. In a pod, that address is usually known in the cluster alone:
 * clients are redirected to S3_PUBLIC_ENDPOINT only.
 */
export function s3Store(s3: S3Group, inPod: boolean): S3StoreSettings | undefined {
  const { endpoint, accessKey = '', secretKey = '' } = s3
  if (!endpoint) return undefined
  return {
    ...s3,
    kind: 's3',
    endpoint,
    accessKey,
    secretKey,
    endpointForPods: s3.endpointForPods ?? endpoint,
    publicEndpoint: s3.publicEndpoint ?? (inPod ? undefined : endpoint),
    uploaderAccessKey: s3.uploaderAccessKey ?? accessKey,
    uploaderSecretKey: s3.uploaderSecretKey ?? secretKey,
    readerCredentials: s3.readerCredentials ?? (isAws(endpoint) ? 'session' : 'access-key'),
  }
}

function isAws(endpoint: string): boolean {
  return /^https?:[/][/][^/]*\.amazonaws\.com(?:\.cn)?(?::|[/]|$)/.test(endpoint)
}
