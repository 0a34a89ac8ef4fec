import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { layout } from '../../src/artifact/layout.ts'
import { Problem } from '../../src/errors.ts'
import type { JobBackend, LogOptions } from '../../src/job/backend.ts'
import { LogArchive } from '../../src/lifecycle/log-archive.ts'
import { createLog } from '../../src/log.ts'
import { folderStore } from '../support/folder-store.ts'

it('reads a log once whose following has fallen silent', async () => {
  const store = await folderStore()
  let ended = false
  const log = async (_: string, { follow, signal }: LogOptions) => {
    if (!follow) return { stream: Readable.from([Buffer.from('all of it\n')]) }
    const stream = new Readable({ read: () => undefined })
    signal?.addEventListener('abort', () => {
      ended = true
      stream.destroy(new Error('aborted'))
    })
    return { stream }
  }
  const backend: Pick<JobBackend, 'log'> = { log }
  const archive = new LogArchive(backend, store, createLog('test', 'silent'), 100)
  archive.follow('job', 'attempt')
  await archive.untilFollowed('job', 'attempt')
  expect(ended).toBe(true)
  expect(await archive.archive('job', 'attempt', 'worker')).toEqual({ from_beginning: null })
  const { stream } = await store.get(layout.log('job', 'attempt', 'worker'))
  expect(await text(stream)).toBe('all of it\n')
  await archive.close()
})

it('takes a log that its node cannot give for none where it need not be read', async () => {
  const log = async () => {
    throw new Problem('unavailable', 'the kubelet does not answer')
  }
  const archive = new LogArchive({ log }, await folderStore(), createLog('test', 'silent'))
  await expect(archive.archive('job', 'attempt', 'worker')).rejects.toThrow('the kubelet')
  expect(await archive.archive('job', 'attempt', 'worker', false)).toBeUndefined()
  await archive.close()
})
