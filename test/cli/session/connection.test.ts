import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { connectionOf } from '../../../src/cli/session/connection.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

describe('the connection', () => {
  it('is the machine itself, without a token, if nothing is said', () => {
    const connection = connectionOf({}, { XDG_CONFIG_HOME: temporaryFolder() })
    expect(connection).toMatchObject({ server: 'http://127.0.0.1:8888', token: undefined })
  })

  it('is of the flags before the environment, and of that before the current context', () => {
    const environment = configured()
    expect(connectionOf({}, environment)).toMatchObject({ server: 'https://one.example', token: 'of-one' })
    expect(connectionOf({ context: 'two' }, environment)).toMatchObject({ server: 'https://two.example' })
    const named = { ...environment, JOBFERRY_SERVER: 'http://named.example' }
    expect(connectionOf({}, named).server).toBe('http://named.example')
    expect(connectionOf({ server: 'http://flag.example' }, named).server).toBe('http://flag.example')
  })

  it('sends the token of a context to no other server', () => {
    expect(connectionOf({ server: 'http://flag.example' }, configured()).token).toBeUndefined()
  })

  it.each([
    ['contexts: {x: {serve: http://a}}', 'contexts.x: serve is unknown; expected server or token_file'],
    ['contexts: []', 'contexts is no object'],
    ['current: absent', 'has no context absent; it has none'],
    ['a: [', 'config.yaml'],
  ])('is refused with the name of what is wrong in %j', (text, problem) => {
    const file = join(temporaryFolder(), 'config.yaml')
    writeFileSync(file, text)
    expect(() => connectionOf({}, { JOBFERRY_CONFIG: file })).toThrow(problem)
  })
})

function configured(): NodeJS.ProcessEnv {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'token'), 'of-one\n')
  const contexts = {
    one: { server: 'https://one.example', token_file: join(folder, 'token') },
    two: { server: 'https://two.example' },
  }
  const file = join(folder, 'config.yaml')
  writeFileSync(file, JSON.stringify({ current: 'one', contexts }))
  return { JOBFERRY_CONFIG: file }
}
