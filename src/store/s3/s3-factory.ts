import type { FolderCredentials, StoreFactory, StoreForUploaders } from '../store-factory.ts'
import type { ReadersSettings } from './scoped-credentials/issuer.ts'

/** An S3 bucket as the API, its pods and its callers reach it. */
export interface S3StoreSettings extends Omit<ReadersSettings, 'publicEndpoint'> {
  kind: 's3'
  publicEndpoint?: string | undefined
  signParts?: boolean | undefined
  endpointForPods: string
  /** The only credentials that reach a pod: they may be limited to what uploaders need. */
  uploaderAccessKey: string
  uploaderSecretKey: string
  /** `job`: each uploader gets a key for its job's folder alone; default: all get the key above. */
  uploaderCredentials?: 'shared' | 'job' | undefined
}

/** An S3 bucket as an uploader reaches it. */
export interface S3UploaderSettings {
  kind: 's3'
  endpoint: string
  bucket: string
  region: string
  prefix: string
  ca?: string | undefined
  signParts?: boolean | undefined
  /** Holds the files `access-key` and `secret-key`. */
  credentialsDirectory: string
}

export const s3Factory = {
  async open(settings) {
    const { createS3Store } = await import('./s3.ts')
    const { staticCredentials } = await import('./s3-credentials.ts')
    const { createObjectReaders } = await import('./scoped-credentials/object-readers.ts')
    const { endpoint, publicEndpoint, accessKey, secretKey } = settings
    const store = createS3Store({ ...settings, credentials: staticCredentials(accessKey, secretKey) })
    const readers = createObjectReaders({ ...settings, publicEndpoint: publicEndpoint ?? endpoint })
    return {
      ...store,
      readers,
      async close() {
        await readers.close()
        await store.close()
      },
    }
  },

  forChildren: (settings: Reached & Pick<S3StoreSettings, 'accessKey' | 'secretKey'>) =>
    forUploaders(settings, settings.accessKey, settings.secretKey),

  forPods(settings) {
    const { uploaderAccessKey, uploaderSecretKey, endpointForPods: endpoint } = settings
    if (settings.uploaderCredentials === 'job') {
      return {
        ...forUploaders({ ...settings, endpoint }, '', ''),
        folderCredentials: lazyCredentials(settings),
      }
    }
    const warning = uploaderAccessKey === settings.accessKey ? sharedKey : undefined
    return { ...forUploaders({ ...settings, endpoint }, uploaderAccessKey, uploaderSecretKey), warning }
  },

  variable: 'S3_ENDPOINT',

  readVariables: (environment, required) => ({
    kind: 's3',
    endpoint: required('S3_ENDPOINT'),
    bucket: required('S3_BUCKET'),
    region: environment.S3_REGION || 'us-east-1',
    prefix: environment.S3_PREFIX ?? '',
    ...(environment.S3_CA && { ca: environment.S3_CA }),
    signParts: environment.S3_SIGN_PARTS === 'true',
    credentialsDirectory: required('CREDENTIALS_DIRECTORY'),
  }),

  async openInUploader({ credentialsDirectory, ...settings }, lookup) {
    const { createS3Store } = await import('./s3.ts')
    const { credentialsFromDirectory } = await import('./s3-credentials.ts')
    return createS3Store({ ...settings, lookup, credentials: credentialsFromDirectory(credentialsDirectory) })
  },
} satisfies StoreFactory<S3StoreSettings, S3UploaderSettings>

type Reached = Pick<S3StoreSettings, 'endpoint' | 'bucket' | 'region' | 'prefix' | 'ca' | 'signParts'>

const sharedKey =
  "pods get the API's own key for the store; set S3_UPLOADER_ACCESS_KEY and S3_UPLOADER_SECRET_KEY to a key that is limited to jobs/*"

/** Imports its libraries when the first job is made: no uploader needs them. */
function lazyCredentials(settings: S3StoreSettings): FolderCredentials {
  let made: Promise<FolderCredentials> | undefined
  const make = async () => {
    const { createFolderCredentials } = await import('./scoped-credentials/folder-credentials.ts')
    return createFolderCredentials({ ...settings, publicEndpoint: settings.endpoint })
  }
  const use = () => {
    made ??= make()
    return made
  }
  return {
    issue: async (folder, readable) => (await use()).issue(folder, readable),
    revoke: async (folder) => (await use()).revoke(folder),
    check: async () => (await use()).check(),
    close: async () => (await made)?.close(),
  }
}

function forUploaders(
  { endpoint, bucket, region, prefix, ca, signParts }: Reached,
  accessKey: string,
  secretKey: string,
): StoreForUploaders {
  return {
    variables: (credentialsDirectory) => ({
      S3_ENDPOINT: endpoint,
      S3_BUCKET: bucket,
      S3_REGION: region,
      S3_PREFIX: prefix,
      ...(ca !== undefined && { S3_CA: ca }),
      ...(signParts && { S3_SIGN_PARTS: 'true' }),
      CREDENTIALS_DIRECTORY: credentialsDirectory,
    }),
    credentialFiles: { 'access-key': accessKey, 'secret-key': secretKey },
  }
}
