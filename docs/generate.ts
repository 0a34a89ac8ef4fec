import { writeFileSync } from 'node:fs'
import { settingsFileSchema } from '../src/config/file/json-schema.ts'
import { openApiDocument } from '../src/http/openapi/document.ts'
import { version } from '../src/util/version.ts'
import { decisionsIndex } from './decisions-index.ts'
import { fieldsDocument } from './fields.ts'
import { reasonsDocument } from './reasons.ts'
import { settingsDocument } from './settings.ts'

/**
 * Documents that are made of schemas and records, by their paths from this folder: `npm run docs`
 * writes them.
 */
export const generated: Readonly<Record<string, () => string>> = {
  'decisions/README.md': decisionsIndex,
  'fields.md': fieldsDocument,
  'jobferry.schema.json': () => `${JSON.stringify(settingsFileSchema(), null, 1)}\n`,
  'openapi.json': () => `${JSON.stringify(openApiDocument(version), null, 1)}\n`,
  'reasons.md': reasonsDocument,
  'settings.md': settingsDocument,
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(generated)) {
    writeFileSync(new URL(path, import.meta.url), text())
  }
}
