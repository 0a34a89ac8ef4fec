import * as z from 'zod'
import { parseDotenv } from './env-file.ts'
import { requestFields } from './request-fields.ts'
import type { PartialRequest } from './request-schema.ts'
import { check } from './schema-errors.ts'

const configData = z.strictObject(
  {
    WORKER_IMAGE: requestFields.image,
    GPU: z.preprocess((text) => wholeNumber(String(text)), requestFields.gpu.unwrap()).exactOptional(),
    RESULT_DIRECTORY: requestFields.result_directory,
    IMAGE_PULL_SECRET: requestFields.image_pull_secret,
  },
  'one of WORKER_IMAGE, GPU, RESULT_DIRECTORY, IMAGE_PULL_SECRET',
)

/**
 * The request that a `config_data` file stands for (dotenv: WORKER_IMAGE, GPU, RESULT_DIRECTORY,
 * IMAGE_PULL_SECRET). Rejects with a Problem `invalid-request` that names `config_data.<NAME>`.
 */
export function parseConfigData(bytes: Uint8Array): PartialRequest {
  const given = check(configData, parseDotenv(bytes, 'config_data'), 'config_data')
  return {
    ...(given.WORKER_IMAGE !== undefined && { image: given.WORKER_IMAGE }),
    ...(given.GPU !== undefined && { gpu: given.GPU }),
    ...(given.RESULT_DIRECTORY !== undefined && { result_directory: given.RESULT_DIRECTORY }),
    ...(given.IMAGE_PULL_SECRET !== undefined && { image_pull_secret: given.IMAGE_PULL_SECRET }),
  }
}

/** The number that a text stands for, or the text itself where it is none: the schema then says what is wrong. */
export function wholeNumber(text: string): number | string {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text
}
