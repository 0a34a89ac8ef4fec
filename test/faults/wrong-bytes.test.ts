import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import type { Job } from '../../src/job/job.ts'
import { kubectl } from '../support/cluster.ts'
import { download, outcomeOf } from '../support/download.ts'
import { eventually } from '../support/eventually.ts'
import { getJson } from '../support/http.ts'
import { patterned } from '../support/patterned.ts'
import { fault, outage } from './plan.ts'
import { contentOf, DamagedResults, entries, paths, sizeOf, sizes } from './wrong-bytes/damaged-results.ts'

/*
 * What is in the store is not what was committed, or comes otherwise than it is. A real job's results, read by curl
 * from an API whose way to the store is a proxy; the store itself is changed behind its back.
 */

const MiB = 1024 * 1024
const nothing = Buffer.alloc(0)

let results: DamagedResults
beforeAll(async () => {
  results = await DamagedResults.make()
}, 180_000)
afterAll(() => results?.close(), 180_000)
afterEach(async () => {
  await results.proxy.setFault({ kind: 'pass' })
  await results.restore()
})

describe('an object', () => {
  fault('as it was → every size comes whole, from the first byte to the last', 60, async () => {
    for (const path of paths) expect(await results.read(path), path).toBe('whole')
    expect(await results.readRange('huge', sizes.huge - 5, sizes.huge - 1)).toBe('whole')
    expect(await results.damaged()).toEqual([])
    expect(await results.damaged('?verify=true')).toEqual([])
  })

  const damages = {
    short: (path: string) => results.replace(path, contentOf(path).subarray(0, -1)),
    other: (path: string) => results.replace(path, patterned('wrong', sizeOf(path))),
    gone: (path: string) => results.remove(path),
  }
  for (const [name, damage] of Object.entries(damages)) {
    const damaged = paths.filter((path) => path.startsWith(`${name}/`))
    fault(`that is ${name} → an error before the first byte; list and log name it`, 60, async () => {
      for (const path of damaged) await damage(path)
      for (const path of damaged) {
        const last = sizeOf(path) - 1
        expect(await results.read(path), path).toBe('result-damaged')
        expect(await results.readRange(path, 0, 0), path).toBe('result-damaged')
        expect(await results.readRange(path, last, last), path).toBe('result-damaged')
        expect((await download(results.fileUrl(path))).body.toString()).toContain(path)
        expect(results.logs('a result in the store is damaged', path), path).toBe(true)
      }
      expect(await results.damaged()).toEqual(damaged.toSorted())
      expect(await results.damagedLines()).toEqual(damaged.toSorted())
    })

    fault(`that is ${name} → every kind of tar is cut or refused`, 60, async () => {
      for (const path of damaged) await damage(path)
      const some = `?file=huge&file=${damaged[1]}`
      for (const query of [name === 'gone' ? '' : some, `${some}&format=tar.gz`, `${some}&format=tar.zst`]) {
        // HTTP/1.0 has but the connection's end to say that a body without a length is whole.
        for (const version of ['--http1.1', '--http1.0']) {
          const { status, exitCode } = await download(results.url(query), version)
          expect(status === 500 || exitCode !== 0, `${version} ${query}: ${status}, ${exitCode}`).toBe(true)
        }
      }
    })
  }

  fault('that is damaged → another replica’s list names it once it is asked to look', 60, async () => {
    await results.replace('back/chunk', Buffer.from('x'))
    const other = await results.cluster.start()
    expect(await results.damaged('?', other.url)).toEqual([])
    expect(await results.damaged('?verify=true', other.url)).toEqual(['back/chunk'])
    expect(await results.damaged('?prefix=back/', other.url)).toEqual(['back/chunk'])
    expect(await results.damagedLines('?verify=true', other.url)).toEqual(['back/chunk'])
    await other.stop()
  })

  fault('that is put back → whole again, and no list names it any more', 60, async () => {
    for (const path of ['back/chunks', 'changed/huge']) {
      await results.remove(path)
      expect(await results.read(path)).toBe('result-damaged')
      expect(await results.damaged()).toEqual([path])
      await results.restore()
      expect(await results.read(path)).toBe('whole')
      expect(await results.damaged()).toEqual([])
    }
  })

  fault('written anew in other parts → refused, though its bytes are the same', 60, async () => {
    await results.replace('changed/huge', contentOf('changed/huge'), 16 * MiB)
    expect(await results.read('changed/huge')).toBe('result-damaged')
    expect(await results.readRange('changed/huge', 0, 99)).toBe('result-damaged')
  })
})

describe('in the middle of a download', () => {
  const slow = { kind: 'throttle', bytesPerSecond: 24 * MiB } as const
  /** Whole and in part; both are under way when this resolves. */
  async function reading(path: string): Promise<Promise<string[]>[]> {
    await results.proxy.setFault(slow)
    const both = Promise.all([results.read(path), results.readRange(path, 7, sizes.huge - 2)])
    await sleep(1000)
    return [both]
  }

  fault('the store drops the connection again and again → whole', 60, async () => {
    await results.proxy.setFault({ kind: 'cut', direction: 'answer', afterBytes: 9 * MiB })
    expect(await results.read('huge')).toBe('whole')
    expect(await results.readRange('huge', 1, sizes.huge - 2)).toBe('whole')
  })

  fault('the store hangs for a while → whole', 60, async () => {
    const [outcomes] = await reading('huge')
    await results.proxy.setFault({ kind: 'hang' })
    await outage()
    await results.proxy.setFault({ kind: 'pass' })
    expect(await outcomes).toEqual(['whole', 'whole'])
  })

  fault('the store goes away for good → cut', 60, async () => {
    const tar = download(results.url())
    const [outcomes] = await reading('huge')
    await results.proxy.setFault({ kind: 'refuse' })
    expect(await outcomes).toEqual(['cut', 'cut'])
    const { status, exitCode } = await tar
    expect([status, exitCode === 0]).toEqual([200, false])
  })

  const changes = {
    replaced: (path: string) => results.replace(path, patterned('wrong', sizeOf(path))),
    removed: (path: string) => results.remove(path),
  }
  for (const [name, change] of Object.entries(changes)) {
    fault(`the object is ${name}, and the connection stays → whole, or cut`, 60, async () => {
      const [outcomes] = await reading('changed/huge')
      await change('changed/huge')
      for (const outcome of (await outcomes) ?? []) expect(['whole', 'cut']).toContain(outcome)
    })

    fault(`the object is ${name}, and the connection drops → cut, named in list and log`, 60, async () => {
      const [outcomes] = await reading('changed/huge')
      await change('changed/huge')
      await results.proxy.setFault({ kind: 'reset' })
      await results.proxy.setFault({ kind: 'pass' })
      expect(await outcomes).toEqual(['cut', 'cut'])
      expect(await results.damaged()).toEqual(['changed/huge'])
      expect(results.logs('a download was cut off', results.uuid)).toBe(true)
    })
  }
})

describe('a manifest', () => {
  const flipped = (where: string) => (bytes: Buffer) => {
    const changed = Buffer.from(bytes)
    const at = changed.indexOf(where) + where.length
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
    return changed
  }
  const damages: Record<string, (bytes: Buffer) => Buffer | undefined> = {
    'that is gone': () => undefined,
    'that is empty': () => nothing,
    'that lost its last byte': (bytes) => bytes.subarray(0, -1),
    'cut in its middle': (bytes) => bytes.subarray(0, bytes.length >> 1),
    'that lost its beginning': (bytes) => bytes.subarray(100),
    'with a bit flipped in its head': flipped('"count":'),
    'with a bit flipped in an entry': flipped('"path":"back/one","type":"file","size":'),
    'with a bit flipped in its index': flipped('{"index":0,"offset":'),
    'with a bit flipped in its foot': flipped('{"index_offset":'),
  }
  for (const [name, damage] of Object.entries(damages)) {
    fault(`${name} → nothing is read, everything says so; whole again once it is back`, 60, async () => {
      expect(await results.read('back/one')).toBe('whole')
      const key = results.manifestKey
      const { client, bucket } = results.cluster
      const bytes = await results.objectOf(key)
      const damaged = damage(bytes)
      if (damaged === undefined) await client.removeObject(bucket, key)
      else await client.putObject(bucket, key, damaged)
      try {
        expect(await results.read('back/one')).toBe('result-damaged')
        expect(await results.readRange('huge', 0, 9)).toBe('result-damaged')
        for (const url of [results.url(), results.url('?format=tar.gz'), results.url('/list')]) {
          const refused = await download(url)
          expect(outcomeOf(refused, nothing), url).toBe('result-damaged')
          expect(refused.body.toString()).toContain(results.uuid)
        }
        const lines = await download(results.url('/list'), '-H', 'Accept: application/x-ndjson')
        expect(outcomeOf(lines, nothing)).toBe('result-damaged')
        expect(results.logs('a manifest in the store is damaged', key)).toBe(true)
      } finally {
        await client.putObject(bucket, key, bytes)
      }
      expect(await results.read('back/one')).toBe('whole')
      expect((await results.list()).count).toBe(entries)
    })
  }
})

describe('a job’s record', () => {
  fault('that is cut short → the job says so, the others are listed, and it can be deleted', 60, async () => {
    const { job_uuid: ended } = await results.finish('echo hello > /output/f', { keep_seconds: 0 })
    const { client, bucket, namespace } = results.cluster
    await eventually(
      async () => expect(await kubectl('-n', namespace, 'get', 'jobs', '-o', 'name')).not.toContain(ended),
      { within: 30_000 },
    )
    const key = `jobs/${ended}/job.json`
    const bytes = await results.objectOf(key)
    await client.putObject(bucket, key, bytes.subarray(0, -9))
    expect(outcomeOf(await download(`${results.api.url}/job/${ended}`), nothing)).toBe('result-damaged')
    expect(outcomeOf(await download(`${results.api.url}/job/${ended}/result?file=f`), nothing)).toBe(
      'result-damaged',
    )
    const { jobs } = await getJson<{ jobs: Job[] }>(`${results.api.url}/job`)
    expect(jobs).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ job_uuid: results.uuid, state: 'succeeded' }),
        expect.objectContaining({ job_uuid: ended, message: expect.stringContaining(key) }),
      ]),
    )
    expect((await fetch(`${results.api.url}/job/${ended}`, { method: 'DELETE' })).status).toBe(204)
    expect(await results.keysOf(ended)).toEqual([])
  })
})
