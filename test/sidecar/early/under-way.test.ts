import { openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Attempts } from '../../../sidecar/early/attempts.ts'
import { mostAgain } from '../../../sidecar/early/choose.ts'
import { UnderWay } from '../../../sidecar/early/under-way.ts'
import { Progress } from '../../../sidecar/progress/progress.ts'
import { OpenFile } from '../../../sidecar/scan/open-file.ts'
import { Halted, StoreCalls } from '../../../sidecar/store/store-calls.ts'
import { Buffers, wholeBytes } from '../../../sidecar/upload/buffers.ts'
import type { FileOptions } from '../../../sidecar/upload/send-file.ts'
import type { ArtifactStore } from '../../../src/artifact/store.ts'
import { attempt, job, newFolderAttempt } from '../uploader-process.ts'

const early: FileOptions = { job, attempt, final: false, timesCanBeTrusted: true, keysInUse: [] }
const final: FileOptions = { ...early, final: true }

/** Senders of before and after the worker's end; `put` stands for the store's before it. */
function newSenders(put?: ArtifactStore['put']) {
  const made = newFolderAttempt()
  const puts: string[] = []
  const parts = { sent: 0, open: 0 }
  const sending = (of: ArtifactStore['put']) => ({
    store: {
      ...made.store,
      async createUpload(...args: Parameters<ArtifactStore['createUpload']>) {
        parts.open += 1
        return await made.store.createUpload(...args)
      },
      async abortUpload(...args: Parameters<ArtifactStore['abortUpload']>) {
        parts.open -= 1
        return await made.store.abortUpload(...args)
      },
      async putPart(...args: Parameters<ArtifactStore['putPart']>) {
        // As large as a store that answers fast has them.
        const parted = args[2].length / wholeBytes
        parts.sent += parted
        clock.now += 1000 * parted
        return await made.store.putPart(...args)
      },
      put: ((key, ...rest) => {
        puts.push(key.replace(/^.*\/files\//, ''))
        return of(key, ...rest)
      }) as ArtifactStore['put'],
    },
    calls: new StoreCalls('store'),
    buffers: new Buffers(),
    progress: new Progress(),
  })
  const before = sending(put ?? made.store.put)
  const after = sending(made.store.put)
  const underWay = new UnderWay()
  const attempts = new Attempts()
  const [clock, enough] = [{ now: 0 }, new AbortController()]
  const file = (content: string | Buffer) => {
    const path = join(made.result, 'file')
    writeFileSync(path, content)
    const opened = new OpenFile(openSync(path, 'r'))
    onTestFinished(() => opened.close())
    return opened
  }
  return {
    puts,
    file,
    calls: before.calls,
    parts,
    send: underWay.sender(before, attempts, { longestMs: 3600, enough: enough.signal }, () => clock.now),
    attempts,
    clock,
    enough,
    takeOver: underWay.takingOver(after),
    after,
  }
}

it('a file that was brought while its pass was left is not sent once more', async () => {
  const { puts, file, send, takeOver } = newSenders()
  const opened = file('content')
  const sent = await send('file', opened, undefined, early)
  expect(sent?.entry).toMatchObject({ key: 'file' })
  expect((await takeOver('file', opened, undefined, final))?.entry).toEqual(sent?.entry)
  expect(puts).toEqual(['file'])
})

it('one that need only be read once more is read before those that wait for buffers, as they wait for its line', async () => {
  const { file, send, takeOver, after } = newSenders()
  const opened = file('content')
  await send('file', opened, undefined, early)
  const ends: (() => void)[] = []
  const others = Array.from({ length: 200 }, () =>
    after.buffers.useFor(10, () => new Promise<void>((end) => ends.push(end))),
  )
  const taken = takeOver('file', opened, undefined, final)
  await expect.poll(() => ends.length).toBe(64)
  ends.shift()?.()
  expect((await taken)?.entry.key).toBe('file')
  while (ends.length > 0) {
    ends.shift()?.()
    await new Promise(setImmediate)
  }
  await Promise.all(others)
})

it('one that has changed since is sent as it is now', async () => {
  const { puts, file, send, takeOver } = newSenders()
  const sent = await send('file', file('content'), undefined, early)
  const taken = await takeOver('file', file('longer content'), undefined, final)
  expect(taken?.entry.sha256).not.toBe(sent?.entry.sha256)
  expect(puts).toEqual(['file', 'file'])
})

it('one whose sending was cut off goes elsewhere, since the store may yet take what came before', async () => {
  const never: ArtifactStore['put'] = (_key, _body, signal) =>
    new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
  const { puts, file, calls, send, takeOver } = newSenders(never)
  const opened = file('content')
  const sent = send('file', opened, undefined, early)
  const cut = expect(sent).rejects.toThrow(Halted)
  await calls.halt(0)
  await cut
  const taken = await takeOver('file', opened, undefined, final)
  expect(taken?.entry.key).toMatch(/^~[0-9a-f]{64}\.1$/)
  expect(puts.at(-1)).toBe(taken?.entry.key)
})

describe('a file whose sending takes too long', () => {
  // Beside the four parts that may be under way at once: each 8 MiB take a thousand of the 3600 milliseconds.
  const content = () => Buffer.alloc(20 * wholeBytes)

  it('is given up while the worker runs, leaves no upload open and waits for the end', async () => {
    const { file, send, parts, attempts } = newSenders()
    expect(await send('file', file(content()), undefined, early)).toBeUndefined()
    expect(parts.sent).toBeLessThan(10)
    expect(parts.open).toBe(0)
    expect(attempts.of('file')).toBe(mostAgain)
  })

  it('is finished where the worker has ended meanwhile', async () => {
    const { file, send, parts, enough } = newSenders()
    enough.abort()
    expect((await send('file', file(content()), undefined, early))?.entry.size).toBe(20 * wholeBytes)
    expect(parts.sent).toBe(20)
  })
})
