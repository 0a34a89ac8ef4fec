import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { beginDownload, download, outcomeOf } from '../../support/api/download.ts'
import { getJson } from '../../support/api/http.ts'
import { kubectl } from '../../support/cluster/cluster.ts'
import { patterned } from '../../support/files/patterned.ts'
import { eventually } from '../../support/time/eventually.ts'
import { fault, outage } from '../plan.ts'
import { contentOf, DamagedResults, entries, paths, sizeOf, sizes } from './damaged-results.ts'

/*
 * Objects in the store differ from their manifest, or are damaged on their way.
 * curl reads a real job's results from an API that reaches the store through a
 * proxy; the test changes the store directly.
 */

const MiB = 1024 * 1024
const nothing = Buffer.alloc(0)

let results: DamagedResults
beforeAll(async () => {
  results = await DamagedResults.make()
})
afterAll(() => results?.close())
afterEach(async () => {
  await results.proxy.setFault({ kind: 'pass' })
  await results.restore()
})

describe('an object', () => {
  fault('that is unchanged → every size comes whole, from the first byte to the last', 60, async () => {
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
    fault(
      `that is damaged (${name}) → an error before the first byte; list and log name it`,
      60,
      async () => {
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
      },
    )

    fault(`that is damaged (${name}) → every tar format is cut or refused`, 60, async () => {
      for (const path of damaged) await damage(path)
      const some = `?file=huge&file=${damaged[1]}`
      for (const query of [name === 'gone' ? '' : some, `${some}&format=tar.gz`, `${some}&format=tar.zst`]) {
        // In HTTP/1.0 only the connection's end marks the end of a body without a length.
        for (const version of ['--http1.1', '--http1.0']) {
          const { status, exitCode } = await download(results.url(query), version)
          expect(status === 500 || exitCode !== 0, `${version} ${query}: ${status}, ${exitCode}`).toBe(true)
        }
      }
    })
  }

  fault(
    'that is damaged → another replica’s list names it once a client asks with `verify=true`',
    60,
    async () => {
      await results.replace('back/chunk', Buffer.from('x'))
      const other = await results.cluster.start()
      expect(await results.damaged('?', other.url)).toEqual([])
      expect(await results.damaged('?verify=true', other.url)).toEqual(['back/chunk'])
      expect(await results.damaged('?prefix=back/', other.url)).toEqual(['back/chunk'])
      expect(await results.damagedLines('?verify=true', other.url)).toEqual(['back/chunk'])
      await other.stop()
    },
  )

  fault('that is restored → whole again, and no list names it', 60, async () => {
    for (const path of ['back/chunks', 'changed/huge']) {
      await results.remove(path)
      expect(await results.read(path)).toBe('result-damaged')
      expect(await results.damaged()).toEqual([path])
      await results.restore()
      expect(await results.read(path)).toBe('whole')
      expect(await results.damaged()).toEqual([])
    }
  })

  fault('that is rewritten in other parts → refused, although its bytes are the same', 60, async () => {
    await results.replace('changed/huge', contentOf('changed/huge'), results.otherPartSize)
    expect(await results.read('changed/huge')).toBe('result-damaged')
    expect(await results.readRange('changed/huge', 0, 99)).toBe('result-damaged')
  })
})

describe('in the middle of a download', () => {
  const slow = { kind: 'throttle', bytesPerSecond: 24 * MiB } as const
  /** Reads the whole file and a range of it; resolves while both downloads are under way. */
  async function reading(path: string): Promise<Promise<string[]>[]> {
    await results.proxy.setFault(slow)
    const begun = await Promise.all([results.begin(path), results.beginRange(path, 7, sizes.huge - 2)])
    const both = Promise.all(begun.map(({ outcome }) => outcome))
    await sleep(500)
    return [both]
  }

  fault('the store drops the connection repeatedly → whole', 60, async () => {
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
    const tar = await beginDownload(results.url())
    const [outcomes] = await reading('huge')
    await results.proxy.setFault({ kind: 'refuse' })
    expect(await outcomes).toEqual(['cut', 'cut'])
    const { status, exitCode } = await tar.ended
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

    fault(`the object is ${name}, and the connection drops → cut, and list and log name it`, 60, async () => {
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
    'that is cut in its middle': (bytes) => bytes.subarray(0, bytes.length >> 1),
    'that lost its beginning': (bytes) => bytes.subarray(100),
    'with a bit flipped in its head': flipped('"count":'),
    'with a bit flipped in an entry': flipped('"path":"back/one","type":"file","size":'),
    'with a bit flipped in its index': flipped('{"index":0,"offset":'),
    'with a bit flipped in its foot': flipped('{"index_offset":'),
  }
  for (const [name, damage] of Object.entries(damages)) {
    fault(`${name} → every request answers result-damaged; whole again once it is restored`, 60, async () => {
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
  fault(
    'that is cut short → the job answers result-damaged, the list works, and DELETE removes the job',
    60,
    async () => {
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
    },
  )
})
