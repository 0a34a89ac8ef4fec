import * as z from 'zod'
import { checkDotenv } from './dotenv.ts'
import { type RequestField, requestFields } from './fields.ts'
import type { PartialRequest } from './request-schema.ts'

const { image, gpu, result_directory, image_pull_secret } = requestFields

const configData = z.strictObject(
  {
    WORKER_IMAGE: image.schema.exactOptional(),
    GPU: z.preprocess((text) => toNumber(String(text)), gpu.schema).exactOptional(),
    RESULT_DIRECTORY: result_directory.schema.exactOptional(),
    IMAGE_PULL_SECRET: image_pull_secret.schema.exactOptional(),
  },
  'one of WORKER_IMAGE, GPU, RESULT_DIRECTORY, IMAGE_PULL_SECRET',
)

const fieldOf: Record<keyof z.output<typeof configData>, RequestField> = {
  WORKER_IMAGE: 'image',
  GPU: 'gpu',
  RESULT_DIRECTORY: 'result_directory',
  IMAGE_PULL_SECRET: 'image_pull_secret',
}

/**
 * The request in a `config_data` file (dotenv: WORKER_IMAGE, GPU, RESULT_DIRECTORY,
 * IMAGE_PULL_SECRET). Throws a Problem `invalid-request` that names `config_data.<NAME>`.
 */
export function parseConfigData(bytes: Uint8Array): PartialRequest {
  const given = checkDotenv(configData, bytes, 'config_data')
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [fieldOf[name as keyof typeof given], value]),
  )
}

/** The number in a text; any other text unchanged, so that the schema names the error. */
export function toNumber(text: string): number | string {
  return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : text
}
