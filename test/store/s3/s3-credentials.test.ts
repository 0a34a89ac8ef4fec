import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { credentialsFromDirectory, staticCredentials } from '../../../src/store/s3/s3-credentials.ts'
import { expectKind } from '../conformance/store.conformance.ts'

describe('credentials', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'credentials-'))
  })
  afterEach(() => rm(directory, { recursive: true }))
  const write = (name: string, text: string) => writeFile(join(directory, name), text)

  it('from settings never change', async () => {
    expect(await staticCredentials('key', 'secret')()).toEqual({
      accessKeyId: 'key',
      secretAccessKey: 'secret',
    })
  })

  it('from a directory are trimmed, and read again within a second after a file has changed', async () => {
    await write('access-key', 'key\n')
    await write('secret-key', 'secret\n')
    const credentials = credentialsFromDirectory(directory)
    expect(await credentials()).toEqual({ accessKeyId: 'key', secretAccessKey: 'secret' })
    expect(await credentials()).toBe(await credentials())
    await write('secret-key.new', 'other!')
    await rename(join(directory, 'secret-key.new'), join(directory, 'secret-key'))
    await write('session-token', 'token')
    await sleep(1050)
    expect(await credentials()).toEqual({
      accessKeyId: 'key',
      secretAccessKey: 'other!',
      sessionToken: 'token',
    })
  })

  it('from missing or empty files are denied until the files are complete', async () => {
    const credentials = credentialsFromDirectory(directory)
    await expectKind(credentials(), 'denied')
    await write('access-key', 'key')
    await write('secret-key', '\n')
    await expectKind(credentials(), 'denied')
    await write('secret-key', 'secret')
    expect(await credentials()).toEqual({ accessKeyId: 'key', secretAccessKey: 'secret' })
  })
})
