import { readOutputRules, type UploaderRules } from '../src/job/outputs/output-rules.ts'
import { defaultPacking, largestPacked, resultLayouts } from '../src/result-format/result-layout.ts'
import { noResultLimits } from '../src/result-format/result-limits.ts'
import { readStoreVariables, storeVariables } from '../src/store/store-kinds.ts'
import type { UploaderSettings } from './uploader-settings.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The settings from the environment's variables; throws an Error that names each one that is
 * missing or wrong.
 */
export function readSettings(environment: Environment): UploaderSettings {
  const problems: string[] = []
  const { text, number, optional } = readersOf(environment, problems)
  const outputs = (): UploaderRules => {
    try {
      return readOutputRules(environment.RESULT_OUTPUTS)
    } catch {
      problems.push(`RESULT_OUTPUTS is ${JSON.stringify(environment.RESULT_OUTPUTS)}, not JSON`)
      return {}
    }
  }

  const layout = resultLayouts.find((one) => one === (environment.RESULT_LAYOUT || 'files'))
  if (layout === undefined)
    problems.push(
      `RESULT_LAYOUT is ${JSON.stringify(environment.RESULT_LAYOUT)}, none of ${resultLayouts.join(', ')}`,
    )
  const store = readStoreVariables(environment, text)
  if (store === undefined) problems.push(`none of ${storeVariables.join(', ')} is set`)
  const settings: Omit<UploaderSettings, 'store'> = {
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
    limits: {
      maxBytes: optional('RESULT_MAX_BYTES', noResultLimits.maxBytes, Number.MAX_SAFE_INTEGER),
      maxEntries: optional('RESULT_MAX_ENTRIES', noResultLimits.maxEntries, Number.MAX_SAFE_INTEGER),
    },
    outputs: outputs(),
    terminationMessageFile: environment.TERMINATION_MESSAGE_FILE || '/dev/termination-log',
  }
  if (environment.INPUTS_SHA256) {
    settings.inputsSha256 = environment.INPUTS_SHA256
    settings.inputDirectory = text('INPUT_DIRECTORY')
  }
  if (environment.RESTORE_JOB) {
    settings.restore = {
      uuid: environment.RESTORE_JOB,
      attempt: text('RESTORE_ATTEMPT'),
      timeoutSeconds: number('RESTORE_TIMEOUT_SECONDS', 1, 1e9),
    }
  }
  if (environment.SECRETS_DIRECTORY) settings.secretsDirectory = environment.SECRETS_DIRECTORY
  if (environment.WORD_DIRECTORY) settings.wordDirectory = environment.WORD_DIRECTORY
  if (environment.HEARTBEAT_SECONDS) settings.heartbeatSeconds = number('HEARTBEAT_SECONDS', 1, 1e9)
  if (environment.RESCUE === 'true') settings.rescue = true
  if (environment.FURTHER_STEPS === 'true') settings.furtherSteps = true
  if (environment.UPLOAD_WHILE_RUNNING === 'true') settings.uploadWhileRunning = true
  if (environment.UPLOADER_PORT) settings.port = number('UPLOADER_PORT', 1, 65535)
  if (environment.PRE_STOP_TOKEN) settings.preStopToken = environment.PRE_STOP_TOKEN
  if (environment.END_KEY) settings.endKey = environment.END_KEY
  if (environment.STOP_TOKEN) settings.stopToken = environment.STOP_TOKEN
  if (store === undefined || problems.length > 0)
    throw new Error(`The uploader's environment is wrong: ${problems.join('; ')}`)
  return { ...settings, store }
}

/** Readers of single variables, which add to `problems` instead of throwing. */
function readersOf(environment: Environment, problems: string[]) {
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
  return { text, number, optional }
}
