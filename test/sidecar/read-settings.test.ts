import { expect, it } from 'vitest'
import { readSettings } from '../../sidecar/read-settings.ts'

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
    STOP_TOKEN: 't',
    INPUTS_SHA256: 'ab',
    INPUT_DIRECTORY: '/input',
    ...s3,
  }
  expect(readSettings({ ...least, STORE_DIRECTORY: '', ...pod })).toMatchObject({
    port: 47100,
    stopToken: 't',
    inputsSha256: 'ab',
    inputDirectory: '/input',
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

it('names everything that is missing or wrong at once', () => {
  const wrong = {
    UPLOAD_TIMEOUT_SECONDS: 'soon',
    UPLOADER_PORT: '0',
    INPUTS_SHA256: 'ab',
    STORE_DIRECTORY: '/s',
  }
  expect(() => readSettings(wrong)).toThrow(
    /JOB_UUID is not set.*UPLOAD_TIMEOUT_SECONDS is "soon".*INPUT_DIRECTORY is not set.*UPLOADER_PORT is "0"/s,
  )
})
