import { defaultPacking, largestPacked, resultLayouts } from '../src/artifact/result-layout.ts'
import type { UploaderSettings } from './settings.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The settings from the environment's variables; throws an Error that names each one that is missing or wrong. */
export function readSettings(environment: Environment): UploaderSettings {
  const problems: string[] = []
  const text = (name: string): string => {
    const value = environment[name]
    if (value === undefined || value === '') problems.push(`${name} is not set`)
    return value ?? ''
  }
  const number = (name: string, least: number, most: number): number => {
    const value = Number(text(name))
    if (environment[name] && !(value >= least && value <= most)) {
      problems.push(`${name} is ${JSON.stringify(environment[name])}, not a number from ${least} to ${most}`)
    }
    return value
  }

  const optional = (name: string, otherwise: number, most: number): number =>
    environment[name] ? number(name, 0, most) : otherwise

  const layout = resultLayouts.find((one) => one === (environment.RESULT_LAYOUT || 'files'))
  if (layout === undefined)
    problems.push(
      `RESULT_LAYOUT is ${JSON.stringify(environment.RESULT_LAYOUT)}, none of ${resultLayouts.join(', ')}`,
    )
  const settings: UploaderSettings = {
    job: text('JOB_UUID'),
    attempt: text('ATTEMPT_UID'),
    resultDirectory: text('RESULT_DIRECTORY'),
    stateDirectory: text('STATE_DIRECTORY'),
    uploadTimeoutSeconds: number('UPLOAD_TIMEOUT_SECONDS', 0, Number.MAX_SAFE_INTEGER / 1000),
    resultLayout: layout ?? 'files',
    packing: {
      fileBytes: optional('PACK_FILE_BYTES', defaultPacking.fileBytes, largestPacked),
      fromCount: optional('PACK_FROM_COUNT', defaultPacking.fromCount, Number.MAX_SAFE_INTEGER),
    },
    terminationMessageFile: environment.TERMINATION_MESSAGE_FILE || '/dev/termination-log',
    store: environment.STORE_DIRECTORY
      ? { kind: 'folder', directory: environment.STORE_DIRECTORY }
      : {
          kind: 's3',
          endpoint: text('S3_ENDPOINT'),
          bucket: text('S3_BUCKET'),
          region: environment.S3_REGION || 'us-east-1',
          prefix: environment.S3_PREFIX ?? '',
          credentialsDirectory: text('CREDENTIALS_DIRECTORY'),
        },
  }
  if (environment.INPUTS_SHA256) {
    settings.inputsSha256 = environment.INPUTS_SHA256
    settings.inputDirectory = text('INPUT_DIRECTORY')
  }
  if (environment.RESCUE === 'true') settings.rescue = true
  if (environment.UPLOAD_WHILE_RUNNING === 'true') settings.uploadWhileRunning = true
  if (environment.UPLOADER_PORT) settings.port = number('UPLOADER_PORT', 1, 65535)
  if (environment.STOP_TOKEN) settings.stopToken = environment.STOP_TOKEN
  if (problems.length > 0) throw new Error(`The uploader's environment is wrong: ${problems.join('; ')}`)
  return settings
}
