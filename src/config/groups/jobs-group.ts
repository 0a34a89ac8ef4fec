import * as z from 'zod'
import { certificatesIn } from '../certificates.ts'
import {
  flagSetting,
  folderSetting,
  groupMeta,
  listSetting,
  settingMeta,
  wholeNumberSetting,
} from '../setting.ts'

export const jobsGroup = z
  .object({
    directory: folderSetting('manifests/jobs', {
      env: 'JOBS_DIRECTORY',
      description: 'Folder of the configured jobs, one YAML file each.',
    }),
    namespace: z
      .string()
      .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'expected the name of a Kubernetes namespace')
      .optional()
      .register(settingMeta, {
        env: 'NAMESPACE',
        default: "the pod's, else `default`; for child processes `local`",
        description: 'Kubernetes namespace of the jobs. An Idempotency-Key is unique in it.',
      }),
    inputMaxBytes: wholeNumberSetting(0, Number.MAX_SAFE_INTEGER, 10 * 2 ** 30).register(settingMeta, {
      env: 'INPUT_MAX_BYTES',
      description: 'Largest size of all inputs of a request together.',
    }),
    uploadsMax: wholeNumberSetting(0, 100_000, 1_000).register(settingMeta, {
      env: 'UPLOADS_MAX',
      description:
        'Most inputs that one caller keeps with `PUT /upload/<name>`, each of up to INPUT_MAX_BYTES. They lie in the store until they are removed.',
    }),
    inputAllowHttp: flagSetting().register(settingMeta, {
      env: 'INPUT_ALLOW_HTTP',
      description:
        '1: `from` of an input, and the `endpoint` of a bucket, may be an http:// URL. An attacker on the way can read such an input, and change it if it has no `sha256`.',
    }),
    requestSecrets: listSetting.prefault('').register(settingMeta, {
      env: 'REQUEST_SECRETS',
      form: 'commas',
      default: 'none',
      description:
        'Names of the Secrets of the namespace that a request may name for its `inputs` and `outputs.deliver`, separated by commas. Every caller may use them.',
    }),
    unpackMaxBytes: wholeNumberSetting(1, Number.MAX_SAFE_INTEGER, 100 * 2 ** 30).register(settingMeta, {
      env: 'INPUT_UNPACK_MAX_BYTES',
      description:
        'Largest size of one archive of `inputs` after decompression, and of one folder of a bucket.',
    }),
    unpackMaxEntries: wholeNumberSetting(1, 100_000_000, 1_000_000).register(settingMeta, {
      env: 'INPUT_UNPACK_MAX_ENTRIES',
      description:
        'Largest number of entries in one archive of `inputs`, and of files in one folder of a bucket.',
    }),
    inputCa: z.string().transform(certificatesIn).optional().register(settingMeta, {
      env: 'INPUT_CA',
      description:
        "Certificates in PEM of a further authority for the servers of https:// inputs, beside those of Node's own list; INPUT_CA_FILE names a file with them.",
    }),
  })
  .register(groupMeta, { title: 'Jobs', prefix: 'JOBS' })

export type JobsSettings = z.output<typeof jobsGroup>
