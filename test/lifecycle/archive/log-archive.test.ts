import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { JobBackend, ReadLogOptions } from '../../../src/job/backend.ts'
import { LogArchive } from '../../../src/lifecycle/archive/log-archive.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { type ArtifactStore, StoreError } from '../../../src/store/store.ts'
import { Problem } from '../../../src/util/errors.ts'
import { createLog } from '../../../src/util/log.ts'
import { folderStore } from '../../support/store/folder-store.ts'
import { manualClock } from '../../support/time/manual-clock.ts'

it('reads a followed log that falls silent once more, and whole', async () => {
  const store = await folderStore()
  let ended = false
  const log = async (_: string, { follow, signal }: ReadLogOptions) => {
    if (!follow) return { stream: Readable.from([Buffer.from('all of it\n')]) }
    const stream = new Readable({ read: () => undefined })
    signal?.addEventListener('abort', () => {
      ended = true
      stream.destroy(new Error('aborted'))
    })
    return { stream }
  }
  const backend: Pick<JobBackend, 'log'> = { log }
  const clock = manualClock()
  const archive = new LogArchive(backend, store, createLog('test', 'silent'), clock)
  archive.follow('job', 'attempt')
  const followed = archive.untilFollowed('job', 'attempt')
  await clock.advance(59_999)
  expect(ended).toBe(false)
  await clock.advance(1)
  await followed
  expect(ended).toBe(true)
  expect(await archive.archive('job', 'attempt', 'worker')).toEqual({ from_beginning: null })
  const { stream } = await store.get(jobKeys.log('job', 'attempt', 'worker'))
  expect(await text(stream)).toBe('all of it\n')
  await archive.close()
})

it('counts a log that its node cannot give as absent if it need not be read', async () => {
  const log = async () => {
    throw new Problem('unavailable', 'the kubelet does not answer')
  }
  const archive = new LogArchive({ log }, await folderStore(), createLog('test', 'silent'))
  await expect(archive.archive('job', 'attempt', 'worker')).rejects.toThrow('the kubelet')
  expect(await archive.archive('job', 'attempt', 'worker', false)).toBeUndefined()
  await archive.close()
})

it('counts a log that breaks off as absent if it need not be read', async () => {
  const log = async () => ({
    stream: new Readable({
      read() {
        this.destroy(new Error('socket hang up'))
      },
    }),
  })
  const archive = new LogArchive({ log }, await folderStore(), createLog('test', 'silent'))
  await expect(archive.archive('job', 'attempt', 'worker')).rejects.toThrow('socket hang up')
  expect(await archive.archive('job', 'attempt', 'worker', false)).toBeUndefined()
  await archive.close()
})

describe('the log of an earlier attempt', () => {
  const attempts = [{ number: 1, uid: 'first' }]
  const key = jobKeys.earlierLog('job', 1, 'worker')

  /** An archive of logs that `open` reads; the uploader has none. */
  async function archiveOf(open: () => Readable, store?: ArtifactStore) {
    const clock = manualClock()
    const used = store ?? (await folderStore())
    const log = async (_: string, { container }: ReadLogOptions) =>
      container === 'worker' ? { stream: open() } : undefined
    const archive = new LogArchive({ log }, used, createLog('test', 'silent'), clock)
    onTestFinished(() => archive.close())
    const archiveEarlier = async () => {
      let done = false
      const archived = archive.archiveEarlier('job', attempts).finally(() => {
        done = true
      })
      archived.catch(() => undefined)
      await clock.until(() => expect(done).toBe(true), { within: 60_000, step: 500 })
      await archived
    }
    return { store: used, archive, archiveEarlier }
  }

  const broken = () =>
    Readable.from(
      (async function* () {
        yield Buffer.from('half of\n')
        throw new Error('socket hang up')
      })(),
    )

  it('is read again after an error that passes, at its opening or in its middle', async () => {
    let times = 0
    const { store, archiveEarlier } = await archiveOf(() => {
      if (++times < 3) throw new Problem('unavailable', 'the kubelet has just started')
      return times < 5 ? broken() : Readable.from([Buffer.from('all of it\n')])
    })
    await archiveEarlier()
    expect(await text((await store.get(key)).stream)).toBe('all of it\n')
  })

  it('is lost, without holding up the job, if its stream breaks each time', async () => {
    const { store, archiveEarlier } = await archiveOf(broken)
    await archiveEarlier()
    expect(await store.head(key)).toBeUndefined()
  })

  it('is lost at once if the backend refuses it', async () => {
    let times = 0
    const { store, archiveEarlier } = await archiveOf(() => {
      times++
      throw new Problem('internal', 'it is forbidden')
    })
    await archiveEarlier()
    expect(await store.head(key)).toBeUndefined()
    expect(times).toBe(1)
  })

  it('makes the archiving reject if the store fails: it is tried again', async () => {
    const folder = await folderStore()
    let full = true
    const put: ArtifactStore['put'] = async (...given) => {
      if (full) throw new StoreError('full', 'no space left')
      return await folder.put(...given)
    }
    const failing = new Proxy(folder, {
      get: (target, name) => {
        if (name === 'put') return put
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const open = () => Readable.from([Buffer.from('all of it\n')])
    const { store, archiveEarlier } = await archiveOf(open, failing)
    await expect(archiveEarlier()).rejects.toMatchObject({ kind: 'full' })
    full = false
    await archiveEarlier()
    expect(await text((await store.get(key)).stream)).toBe('all of it\n')
  })

  it('is not given up by a program that ends: the next one reads it', async () => {
    const { archive, archiveEarlier } = await archiveOf(() => {
      void archive.close()
      throw new Problem('unavailable', 'the kubelet is away')
    })
    await expect(archiveEarlier()).rejects.toThrow()
  })

  it('is the followed one rather than what the kubelet gives of a pod that is being removed', async () => {
    const { store, archiveEarlier } = await archiveOf(() =>
      Readable.from([Buffer.from('unable to retrieve')]),
    )
    await store.put(jobKeys.log('job', 'first', 'worker'), Buffer.from('all of it\n'))
    await archiveEarlier()
    expect(await text((await store.get(key)).stream)).toBe('all of it\n')
  })
})
