import { expect, it } from 'vitest'
import { readSettings } from '../../sidecar/read-uploader-settings.ts'

const least = {
  JOB_UUID: 'j',
  ATTEMPT_UID: 'a',
  RESULT_DIRECTORY: '/output',
  STATE_DIRECTORY: '/state',
  UPLOAD_TIMEOUT_SECONDS: '3600',
  STORE_DIRECTORY: '/store',
}

it('reads what the embedded backend gives', () => {
  expect(readSettings(least)).toEqual({
    job: 'j',
    attempt: 'a',
    resultDirectory: '/output',
    stateDirectory: '/state',
    uploadTimeoutSeconds: 3600,
    resultLayout: 'files',
    outputs: {},
    packing: { fileBytes: 1024 * 1024, fromCount: 500 },
    limits: { maxBytes: Number.POSITIVE_INFINITY, maxEntries: Number.POSITIVE_INFINITY },
    terminationMessageFile: '/dev/termination-log',
    store: { kind: 'folder', directory: '/store' },
  })
})

it('reads what a pod gives', () => {
  const s3 = {
    S3_ENDPOINT: 'http://s',
    S3_BUCKET: 'b',
    S3_REGION: 'r',
    S3_PREFIX: 'p',
    CREDENTIALS_DIRECTORY: '/c',
  }
  const pod = {
    UPLOADER_PORT: '47100',
    PRE_STOP_TOKEN: 't',
    INPUTS_SHA256: 'ab',
    INPUT_DIRECTORY: '/input',
    RESULT_LAYOUT: 'auto',
    PACK_FILE_BYTES: '4096',
    PACK_FROM_COUNT: '50',
    RESULT_MAX_BYTES: '1000',
    RESULT_MAX_ENTRIES: '20',
    ...s3,
  }
  expect(readSettings({ ...least, STORE_DIRECTORY: '', ...pod })).toMatchObject({
    port: 47100,
    preStopToken: 't',
    inputsSha256: 'ab',
    inputDirectory: '/input',
    resultLayout: 'auto',
    packing: { fileBytes: 4096, fromCount: 50 },
    limits: { maxBytes: 1000, maxEntries: 20 },
    store: {
      kind: 's3',
      endpoint: 'http://s',
      bucket: 'b',
      region: 'r',
      prefix: 'p',
      credentialsDirectory: '/c',
    },
  })
})

it('names the variables of which one has to name the store', () => {
  const pattern = /wrong: none of STORE_DIRECTORY, S3_ENDPOINT is set$/
  expect(() => readSettings({ ...least, STORE_DIRECTORY: '' })).toThrow(pattern)
})

it('names all missing and wrong variables at once', () => {
  const wrong = {
    UPLOAD_TIMEOUT_SECONDS: 'soon',
    UPLOADER_PORT: '0',
    INPUTS_SHA256: 'ab',
    STORE_DIRECTORY: '/s',
    RESULT_LAYOUT: 'heap',
    PACK_FILE_BYTES: '9000000',
  }
  expect(() => readSettings(wrong)).toThrow(
    /RESULT_LAYOUT is "heap".*JOB_UUID is not set.*UPLOAD_TIMEOUT_SECONDS is "soon".*PACK_FILE_BYTES is "9000000".*INPUT_DIRECTORY is not set.*UPLOADER_PORT is "0"/s,
  )
})
