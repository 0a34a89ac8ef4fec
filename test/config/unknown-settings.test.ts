import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { settingNames } from '../../src/config/environment.ts'
import { findUnknownSettings } from '../../src/config/unknown-settings.ts'

describe('a variable that is one or two letters off a setting', () => {
  it.each([
    ['S3_ENDPONT', 'S3_ENDPOINT'],
    ['S3_SECERT_KEY', 'S3_SECRET_KEY'],
    ['S3_ACCESS_KEY_FIL', 'S3_ACCESS_KEY_FILE'],
    ['LOCAL_ALLOW_COMMAND', 'LOCAL_ALLOW_COMMANDS'],
    ['LOG_LEVL', 'LOG_LEVEL'],
    ['POD_SECURTY', 'POD_SECURITY'],
    ['DATA_DIRECTRY', 'DATA_DIRECTORY'],
    ['SIGNALLING_REGISTER_URL', 'SIGNALING_REGISTER_URL'],
  ])('is refused at start: %s is %s', (given, meant) => {
    expect(() => loadConfig({ [given]: 'x' })).toThrow(`settings: ${given}: is no setting; expected ${meant}`)
  })

  it('is named with all other wrong settings', () => {
    const start = () => loadConfig({ S3_ENDPONT: 'http://minio:9000', PORT: 'x' })
    expect(start).toThrow(/S3_ENDPONT: is no setting; expected S3_ENDPOINT; PORT: expected a whole number/)
  })

  it('is a warning if the setting itself is there', () => {
    const { problems, warnings } = findUnknownSettings({ LOG_LEVEL: 'info', LOG_LEVELS: 'info' })
    expect(problems).toEqual([])
    expect(warnings).toEqual(['LOG_LEVELS is no setting and has no effect; the nearest one is LOG_LEVEL'])
  })

  it('is a warning if it is short and begins as no group of settings does: it may be foreign', () => {
    const { problems, warnings } = findUnknownSettings({ API_TOKEN: 'x', LOGLEVEL: 'debug' })
    expect(problems).toEqual([])
    expect(warnings.join()).toMatch(/^API_TOKEN .* API_TOKENS,LOGLEVEL .* LOG_LEVEL$/)
  })

  it('is a warning if it is only the beginning of a setting', () => {
    const { problems, warnings } = findUnknownSettings({ DATA_DIR: '/data', PUBLIC: 'x' })
    expect(problems).toEqual([])
    expect(warnings).toEqual(['DATA_DIR is no setting and has no effect; the nearest one is DATA_DIRECTORY'])
  })
})

describe('a variable with the prefix of a group of settings', () => {
  it('is a warning, with the nearest setting if one is near', () => {
    const { problems, warnings } = findUnknownSettings({ S3_ENDPOINT_URL: 'http://s3', LOCAL_RANK: '0' })
    expect(problems).toEqual([])
    expect(warnings).toEqual([
      'S3_ENDPOINT_URL is no setting and has no effect; the nearest one is S3_ENDPOINT',
      'LOCAL_RANK is no setting and has no effect',
    ])
  })

  it('reaches the warnings of the config, which the log shows at start', () => {
    expect(loadConfig({ S3_ENDPOINT_URL: 'http://s3' }).warnings).toHaveLength(1)
  })
})

it('finds nothing in an environment of settings and ordinary variables', () => {
  const settings = settingNames().flatMap(({ variable }) => [variable, `${variable}_FILE`])
  const ordinary = ['HOME', 'PATH', 'POST', 'HOSTS', 'KUBERNETES_SERVICE_HOST', 'AWS_REGION', 'NODE_OPTIONS']
  const environment = Object.fromEntries([...settings, ...ordinary].map((name) => [name, 'x']))
  expect(findUnknownSettings(environment)).toEqual({ problems: [], warnings: [] })
  expect(findUnknownSettings({ S3_ENDPONT: '' })).toEqual({ problems: [], warnings: [] })
})
