import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { createDamages } from '../../../src/results/damages.ts'
import type { FileSource } from '../../../src/results/file-source.ts'
import { lookAtFile } from '../../../src/results/serve/first-bytes.ts'
import { readable } from '../../../src/results/serve/readable-file.ts'
import { SharedReads } from '../../../src/results/serve/shared/shared-reads.ts'
import { createTextKinds } from '../../../src/results/text-kinds.ts'
import { attempt, folderStore, job } from '../../result-format/fixtures.ts'
import { manualClock } from '../../support/time/manual-clock.ts'
import { putFile } from '../served.ts'

/** A file, and all the looks there may be at once, taken by others. */
async function busy() {
  const store = await folderStore()
  const clock = manualClock()
  const textKinds = createTextKinds()
  const source: FileSource = {
    ...{ store, clock, textKinds, uuid: job, attempt, provisional: false },
    ...{ log: pino({ enabled: false }), damages: createDamages(), sharedReads: new SharedReads() },
  }
  const file = readable(await putFile(store, 'a.txt', 'a'))
  const signal = new AbortController().signal
  const ends = await Promise.all(Array.from({ length: 32 }, () => textKinds.beginLook(signal)))
  return { source, file, clock, ends }
}

describe('a look at a file, while others take all the looks there may be,', () => {
  it('begins when another ends', async () => {
    const { source, file, ends } = await busy()
    const look = lookAtFile(source, file)
    ends[0]?.()
    expect(await look).toEqual({ isText: true, hasHoles: false, utf8: 'yes' })
  })

  it('gives up after 3 s, and takes none of them', async () => {
    const { source, file, clock, ends } = await busy()
    let seen: unknown = 'nothing yet'
    const look = lookAtFile(source, file).then((kind) => {
      seen = kind
    })
    await clock.advance(2999)
    expect(seen).toBe('nothing yet')
    await clock.advance(1)
    await look
    expect(seen).toBeUndefined()
    expect(clock.pending).toBe(0)
    ends[0]?.()
    expect(await lookAtFile(source, file)).toEqual({ isText: true, hasHoles: false, utf8: 'yes' })
  })

  it('gives up when its caller has gone', async () => {
    const { source, file, clock } = await busy()
    const caller = new AbortController()
    const look = lookAtFile(source, file, caller.signal)
    caller.abort()
    expect(await look).toBeUndefined()
    expect(clock.pending).toBe(0)
  })
})
