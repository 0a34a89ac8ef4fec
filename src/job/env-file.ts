import { parseEnv } from 'node:util'
import { decodeUtf8 } from '../artifact/entry.ts'
import { invalid } from '../errors.ts'
import { environment } from './request-fields.ts'
import { check } from './schema-errors.ts'

/**
 * The variables of a dotenv file, as Node itself reads one. Rejects with a Problem `invalid-request` that names
 * `field`, or the variable below it, for anything that is no such file.
 */
export function parseEnvFile(bytes: Uint8Array, field = 'env_file'): Record<string, string> {
  return check(environment, parseDotenv(bytes, field), field)
}

/** The names and values of a dotenv file, unchecked. */
export function parseDotenv(bytes: Uint8Array, field: string): Record<string, string> {
  const text = decodeUtf8(bytes)
  if (text === undefined) throw invalid(field, 'is no UTF-8', 'lines of NAME=value')
  if (text.includes('\0')) throw invalid(field, 'contains a NUL character', 'lines of NAME=value')
  // parseEnv takes a byte order mark for a part of the first name.
  const variables = Object.entries(parseEnv(text.replace(/^\uFEFF/, ''))).map(([name, value]) => [
    name,
    value ?? '',
  ])
  if (variables.length === 0 && text.trim() !== '') {
    throw invalid(field, 'holds no variable', 'lines of NAME=value')
  }
  return Object.fromEntries(variables)
}
