import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { eventually } from '../../support/time/eventually.ts'
import { manifestOf } from '../stored.ts'
import { getFrom, listening, newFolderAttempt, Uploader, write } from '../uploader-process.ts'

const notOpened = 'the port for the stop request could not be opened'

it('an uploader that loses its port while it is started again stores everything at SIGTERM', async () => {
  const made = newFolderAttempt(await listening())
  const port = Number(made.environment.UPLOADER_PORT)
  write(made, 'file', 'content')
  const uploader = await new Uploader(made).ready()
  await getFrom(made, '/ready')
  const thief = createServer((_, response) => response.writeHead(307, { location: '/' }).end())
  const bound = new Promise<void>((resolve) => thief.on('listening', resolve))
  thief.on('error', () => setTimeout(() => thief.listen(port), 1))
  onTestFinished(() => {
    thief.closeAllConnections()
    thief.close()
  })
  thief.listen(port)
  // The thief has the port before another program is up.
  expect(uploader.killProgram()).toBe(true)
  await bound
  await eventually(() => expect(uploader.log).toContain(notOpened))
  const pid = uploader.programPid()
  await new Promise((resolve) => setTimeout(resolve, 2500))
  expect(uploader.programPid()).toBe(pid)
  expect(uploader.log.split(notOpened)).toHaveLength(2)
  expect(uploader.log).toContain('another program of the pod may hold it')

  expect(await uploader.terminate().exit()).toBe(0)
  expect(JSON.parse(readFileSync(made.message, 'utf8'))).toMatchObject({ count: 1, errors: 0 })
  expect((await manifestOf(made.store)).entries).toMatchObject([{ path: 'file', size: 7 }])
})
