import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { settingsText, shownSettings } from '../../../src/config/file/show-settings.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

it('the settings are shown as a settings file, with the origin of each and without secrets', () => {
  const file = join(temporaryFolder(), 'jobferry.yaml')
  writeFileSync(file, 'http: {port: 9000}\ns3: {secret_key: hush, endpoint: "http://minio:9000"}\n')
  const environment = { SETTINGS_FILE: file, SHUTDOWN_SECONDS: '7' }
  const text = settingsText(environment)
  expect(text).toMatch(/^http:\n(.*\n)*? {2}port: 9000 {2}# settings file$/m)
  expect(text).toContain('  shutdown_seconds: 7  # SHUTDOWN_SECONDS')
  expect(text).toContain('  secret_key: "(hidden)"  # settings file')
  expect(text).toContain('  # region: us-east-1')
  expect(text).not.toContain('hush')
  expect(parse(text)).toEqual({
    http: { port: 9000, shutdown_seconds: 7 },
    s3: { endpoint: 'http://minio:9000', secret_key: '(hidden)' },
  })
  expect(shownSettings(environment)).toContainEqual({
    key: 's3.secret_key',
    variable: 'S3_SECRET_KEY',
    value: null,
    from: 'settings file',
  })
})
