import {
  readStoreVariables,
  storeVariables,
  type UploaderStoreSettings,
} from '../../src/store/store-kinds.ts'

/** The environment of the program that delivers a result; the uploader's own has no DELIVERY_ROUND. */
export interface DeliverySettings {
  /** JOB_UUID */
  job: string
  /** DELIVERY_ROUND */
  round: number
  /** ORDER_FILE: a DeliveryOrder. */
  orderFile: string
  /** STATE_DIRECTORY: for files that are only needed meanwhile. */
  stateDirectory: string
  /** SECRETS_DIRECTORY: as the uploader's. */
  secretsDirectory: string
  store: UploaderStoreSettings
}

/** Throws an Error that names each variable that is missing. */
export function readDeliverySettings(
  environment: Readonly<Record<string, string | undefined>>,
): DeliverySettings {
  const missing: string[] = []
  const text = (name: string) => {
    const value = environment[name]
    if (!value) missing.push(name)
    return value ?? ''
  }
  const store = readStoreVariables(environment, text)
  if (store === undefined) missing.push(`one of ${storeVariables.join(', ')}`)
  const settings = {
    job: text('JOB_UUID'),
    round: Number(text('DELIVERY_ROUND')),
    orderFile: text('ORDER_FILE'),
    stateDirectory: text('STATE_DIRECTORY'),
    secretsDirectory: text('SECRETS_DIRECTORY'),
  }
  if (store === undefined || missing.length > 0)
    throw new Error(`The environment is wrong: ${missing.join(', ')} not set`)
  return { ...settings, store }
}
