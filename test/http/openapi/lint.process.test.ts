import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { programEnvironment } from '../../support/program-environment.ts'

const root = join(import.meta.dirname, '../../..')

it('Redocly finds nothing wrong with the OpenAPI document, its examples included', async () => {
  const { stderr } = await lint(join(root, 'docs/openapi.json'))
  expect(stderr).toContain('Your API description is valid')
})

it('Redocly finds an example that is not as its schema', async () => {
  const file = join(temporaryFolder(), 'openapi.json')
  const document = JSON.parse(readFileSync(join(root, 'docs/openapi.json'), 'utf8'))
  document.components.examples['problem-not-found'].value.status = 'none'
  writeFileSync(file, JSON.stringify(document))
  await expect(lint(file)).rejects.toMatchObject({
    stdout: expect.stringContaining('no-invalid-media-type-examples'),
  })
})

/** Without telemetry and without a look for newer versions: it calls nobody. */
function lint(file: string) {
  const settings = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
  const program = join(root, 'node_modules/@redocly/cli/bin/cli.js')
  return promisify(execFile)(
    process.execPath,
    [program, 'lint', file, '--config', join(root, 'redocly.yaml')],
    {
      env: { ...programEnvironment(), ...settings },
    },
  )
}
