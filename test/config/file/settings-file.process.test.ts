import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startApiProcess } from '../../support/api/api-process.ts'
import { runCli } from '../../support/cli/cli-process.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { eventually } from '../../support/time/eventually.ts'

it('a token that the settings file gets while the API runs opens it, and a removed one does not', async () => {
  const folder = temporaryFolder()
  const SETTINGS_FILE = join(folder, 'jobferry.yaml')
  const write = (name: string) =>
    writeFileSync(
      SETTINGS_FILE,
      `local: {data_directory: data}\nauth: {tokens: ["${name}:${digestOf(name)}"]}\n`,
    )
  write('alice')
  const api = await startApiProcess({ SETTINGS_FILE })
  try {
    expect(await statusFor(api.url, 'alice')).toBe(200)
    expect(await statusFor(api.url, 'bob')).toBe(401)
    write('bob')
    await eventually(async () => expect(await statusFor(api.url, 'bob')).toBe(200), { within: 30_000 })
    expect(await statusFor(api.url, 'alice')).toBe(401)
    expect(api.log.join('\n')).toContain('the tokens of callers were read again')
  } finally {
    await api.stop()
  }
})

it('the command line checks a settings file, and shows it without secrets', async () => {
  const folder = temporaryFolder()
  writeFileSync(
    join(folder, 'right.yaml'),
    'http: {port: 9000}\nedc: {api_key: hush, management_url: "http://edc"}\n',
  )
  writeFileSync(join(folder, 'wrong.yaml'), 'http: {prot: 9000}\n')
  const right = await runCli(['config', 'check', 'right.yaml'], folder, {})
  expect(right).toMatchObject({
    code: 0,
    out: `${join(folder, 'right.yaml')}: a server starts with these settings\n`,
  })
  const shown = await runCli(['config', 'show', 'right.yaml'], folder, {})
  expect(shown.out).toContain('port: 9000  # settings file')
  expect(shown.out).not.toContain('hush')
  const wrong = await runCli(['config', 'check', 'wrong.yaml'], folder, {})
  expect(wrong.code).toBe(78)
  expect(wrong.err).toContain('wrong.yaml: http.prot: is no setting; expected port (one of ')
})

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

async function statusFor(url: string, token: string): Promise<number> {
  return (await fetch(`${url}/job`, { headers: { authorization: `Bearer ${token}` } })).status
}
