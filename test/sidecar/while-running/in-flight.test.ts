import { openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ResultBudget } from '../../../sidecar/pass/result-budget.ts'
import { UploadProgress } from '../../../sidecar/progress/upload-progress.ts'
import { OpenFile } from '../../../sidecar/scan/open-file.ts'
import { Halted, StoreCalls } from '../../../sidecar/store/store-calls.ts'
import { Buffers, wholeBytes } from '../../../sidecar/upload/buffers.ts'
import type { FileOptions } from '../../../sidecar/upload/upload-file.ts'
import { Attempts } from '../../../sidecar/while-running/attempts.ts'
import { InFlight } from '../../../sidecar/while-running/in-flight.ts'
import { mostAgain } from '../../../sidecar/while-running/select-settled-files.ts'
import { noResultLimits } from '../../../src/result-format/result-limits.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { attempt, job, newFolderAttempt } from '../uploader-process.ts'

const budget = new ResultBudget(noResultLimits)
const whileRunning: FileOptions = {
  job,
  attempt,
  final: false,
  timesCanBeTrusted: true,
  keysInUse: [],
  budget,
}
const final: FileOptions = { ...whileRunning, final: true }

/** Uploaders before and after the worker's end; `put` replaces the store's before it. */
function newUploaders(put?: ArtifactStore['put']) {
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
        const parted = args[2].byteLength / wholeBytes
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
    progress: new UploadProgress(),
  })
  const before = sending(put ?? made.store.put)
  const after = sending(made.store.put)
  const inFlight = new InFlight()
  const attempts = new Attempts()
  const [clock, stop] = [{ now: 0 }, new AbortController()]
  const file = (content: string | Buffer) => openedFile(join(made.result, 'file'), content)
  return {
    puts,
    file,
    calls: before.calls,
    parts,
    upload: inFlight.uploader(
      before,
      attempts,
      { longestMs: 3600, stopSignal: stop.signal },
      () => clock.now,
    ),
    attempts,
    clock,
    stop,
    uploadAfter: inFlight.successor(after),
    after,
  }
}

function openedFile(path: string, content: string | Buffer): OpenFile {
  writeFileSync(path, content)
  const opened = new OpenFile(openSync(path, 'r'))
  onTestFinished(() => opened.close())
  return opened
}

it('a file that was uploaded after its pass had been aborted is not uploaded again', async () => {
  const { puts, file, upload, uploadAfter } = newUploaders()
  const opened = file('content')
  const sent = await upload('file', opened, undefined, whileRunning)
  expect(sent?.entry).toMatchObject({ key: 'file' })
  expect((await uploadAfter('file', opened, undefined, final))?.entry).toEqual(sent?.entry)
  expect(puts).toEqual(['file'])
})

it('a file that need only be read again gets a buffer first, as the outcomes of the others wait for its own', async () => {
  const { file, upload, uploadAfter, after } = newUploaders()
  const opened = file('content')
  await upload('file', opened, undefined, whileRunning)
  const ends: (() => void)[] = []
  const others = Array.from({ length: 200 }, () =>
    after.buffers.useFor(10, () => new Promise<void>((end) => ends.push(end))),
  )
  const taken = uploadAfter('file', opened, undefined, final)
  await expect.poll(() => ends.length).toBe(64)
  ends.shift()?.()
  expect((await taken)?.entry.key).toBe('file')
  while (ends.length > 0) {
    ends.shift()?.()
    await new Promise(setImmediate)
  }
  await Promise.all(others)
})

it('a file that has changed since is uploaded as it is now', async () => {
  const { puts, file, upload, uploadAfter } = newUploaders()
  const sent = await upload('file', file('content'), undefined, whileRunning)
  const taken = await uploadAfter('file', file('longer content'), undefined, final)
  expect(taken?.entry.sha256).not.toBe(sent?.entry.sha256)
  expect(puts).toEqual(['file', 'file'])
})

it('a file whose upload was cut off gets another key, since the store may still carry out the first request', async () => {
  const never: ArtifactStore['put'] = (_key, _body, signal) =>
    new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
  const { puts, file, calls, upload, uploadAfter } = newUploaders(never)
  const opened = file('content')
  const sent = upload('file', opened, undefined, whileRunning)
  const cut = expect(sent).rejects.toThrow(Halted)
  await calls.halt(0)
  await cut
  const taken = await uploadAfter('file', opened, undefined, final)
  expect(taken?.entry.key).toMatch(/^~[0-9a-f]{64}\.1$/)
  expect(puts.at(-1)).toBe(taken?.entry.key)
})

describe('a file whose upload takes too long', () => {
  // Beside the four parts that may be under way at once: each 8 MiB take a thousand of the 3600
  // milliseconds.
  const parted = 12
  const content = () => Buffer.alloc(parted * wholeBytes)

  it('waits for the end of the worker, and leaves no upload in parts open', async () => {
    const { file, upload, parts, attempts } = newUploaders()
    expect(await upload('file', file(content()), undefined, whileRunning)).toBeUndefined()
    expect(parts.sent).toBeLessThan(10)
    expect(parts.open).toBe(0)
    expect(attempts.of('file')).toBe(mostAgain)
  })

  it('is finished if the worker has ended meanwhile', async () => {
    const { file, upload, parts, stop } = newUploaders()
    stop.abort()
    expect((await upload('file', file(content()), undefined, whileRunning))?.entry.size).toBe(
      parted * wholeBytes,
    )
    expect(parts.sent).toBe(parted)
  })
})
