import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { createSettingsCheck } from '../../src/wiring/follow-settings.ts'
import { temporaryFolder } from '../support/files/temporary-folder.ts'

const digest = 'b'.repeat(64)
const tokens = (...names: string[]) =>
  `auth: {tokens: [${names.map((name) => `"${name}:${digest}"`).join(', ')}]}`

it('changed tokens and a changed policy are passed on, once each', () => {
  const { write, check, passed, said } = followed(`${tokens('alice')}\npolicy: {images: all}\n`)
  check()
  expect(passed).toEqual([])
  write(`${tokens('alice', 'bob')}\npolicy: {images: none, live_jobs_per_token: 2}\n`)
  check()
  check()
  expect(passed).toEqual([['alice', 'bob'], { images: [], most: 2 }])
  expect(said()).toContain('"changed":["images","live_jobs_per_token"]')
})

it('what needs a new start is named and has no effect', () => {
  const { write, check, passed, said } = followed(`${tokens('alice')}\nhttp: {port: 0}\n`)
  write(`${tokens('alice')}\nhttp: {port: 9000}\n`)
  check()
  expect(passed).toEqual([])
  expect(said()).toContain('"settings":["PORT"],"msg":"changed settings take effect at the next start"')
})

it.each([
  ['a wrong value', `${tokens('bob')}\nhttp: {port: x}\n`, 'http.port'],
  ['no token', 'policy: {images: all}\n', 'API_TOKENS: no token is left'],
  ['no policy', `${tokens('bob')}\n`, 'POLICY_FILE: no policy is left'],
  ['half a file', 'auth: {tok', 'SETTINGS_FILE'],
])('with %s the earlier settings stay in use, and the log says so once', (_, text, problem) => {
  const { write, check, passed, said } = followed(`${tokens('alice')}\npolicy: {images: all}\n`)
  write(text)
  check()
  check()
  expect(passed).toEqual([])
  expect(said().split('the earlier ones stay in use')).toHaveLength(2)
  expect(said()).toContain(problem)
  write(`${tokens('bob')}\npolicy: {images: all}\n`)
  check()
  expect(passed).toEqual([['bob']])
})

function followed(text: string) {
  const file = join(temporaryFolder(), 'jobferry.yaml')
  const write = (next: string) => writeFileSync(file, next)
  write(text)
  const lines: string[] = []
  const passed: unknown[] = []
  const check = createSettingsCheck(
    loadConfig({ SETTINGS_FILE: file }),
    {
      setTokens: ({ tokens }) => passed.push(tokens.map(({ name }) => name)),
      setPolicy: ({ images, live_jobs_per_token: most }) => passed.push({ images, most }),
    },
    pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(line) }),
  )
  return { write, check, passed, said: () => lines.join('') }
}
