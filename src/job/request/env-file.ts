import { checkDotenv } from './dotenv.ts'
import { environment } from './field-schemas.ts'

/**
 * The variables of a dotenv file. Rejects with a Problem `invalid-request` that names `field` and
 * the wrong line, or the variable below `field` that is not allowed.
 */
export function parseEnvFile(bytes: Uint8Array, field = 'env_file'): Record<string, string> {
  return checkDotenv(environment, bytes, field)
}
