import { expect, it } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { httpOptions, setTokens } from '../../src/wiring/http-options.ts'

const start = { token: { name: 'start', sha256: 'c'.repeat(64) }, text: 'text' }
const digest = 'd'.repeat(64)

it('the token of the start stays in use until the settings have one', () => {
  const options = httpOptions(loadConfig({ LOCAL_ALLOW_COMMANDS: '1' }), start)
  setTokens(options, loadConfig({ PROVISION_TOKENS: `edc:${digest}` }).auth)
  expect(options.tokens).toEqual([start.token])
  expect(options.provisionTokens).toEqual([{ name: 'edc', sha256: digest }])
  setTokens(options, loadConfig({ API_TOKENS: `alice:${digest}` }).auth)
  expect(options.tokens).toEqual([{ name: 'alice', sha256: digest }])
})
