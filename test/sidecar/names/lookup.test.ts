import type { LookupAddress } from 'node:dns'
import { describe, expect, it } from 'vitest'
import { lookupBy } from '../../../sidecar/names/lookup.ts'
import { type NameFiles, parseNameFiles } from '../../../sidecar/names/name-files.ts'
import { startNameServer } from '../../support/name-server.ts'

const pod = 'search jobs.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n'

function lookUp(files: NameFiles, name: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookupBy(files)(name, { all: true }, (error, found) => {
      if (error) reject(error)
      else resolve(found as LookupAddress[])
    })
  })
}

async function withServer(names: Record<string, string>, resolvConf = pod, broken: string[] = []) {
  const server = await startNameServer(names, broken)
  const hosts = '127.0.0.1 localhost\n10.0.0.9 pod # comment\n::1 localhost\n'
  return {
    server,
    files: { ...parseNameFiles(hosts, resolvConf), servers: [server.address], timeoutMs: 500 },
  }
}

describe('a lookup by files', () => {
  it('finds a short name by the search domains, in their order', async () => {
    const { server, files } = await withServer({ 'store.svc.cluster.local': '10.0.0.1' })
    expect(await lookUp(files, 'store')).toEqual([{ address: '10.0.0.1', family: 4 }])
    expect(server.asked).toEqual(['store.jobs.svc.cluster.local', 'store.svc.cluster.local'])
  })

  it('tries a name with enough dots as it is, and one that ends in a dot only so', async () => {
    const { server, files } = await withServer({ 's3.example.org': '10.0.0.2' }, 'search a.b\n')
    expect(await lookUp(files, 's3.example.org')).toEqual([{ address: '10.0.0.2', family: 4 }])
    await expect(lookUp(files, 'store.')).rejects.toMatchObject({ code: 'ENOTFOUND' })
    expect(server.asked).toEqual(['s3.example.org', 'store'])
  })

  it('goes by hosts first, with all addresses of a name', async () => {
    const { server, files } = await withServer({ 'pod.jobs.svc.cluster.local': '10.0.0.3' })
    expect(await lookUp(files, 'POD')).toEqual([{ address: '10.0.0.9', family: 4 }])
    expect(await lookUp(files, 'localhost')).toEqual([
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ])
    expect(server.asked).toEqual([])
  })

  it('fails with the failure of the server rather than as a name that does not exist', async () => {
    const { files } = await withServer({}, pod, ['store.jobs.svc.cluster.local'])
    await expect(lookUp(files, 'store')).rejects.toMatchObject({ code: 'ESERVFAIL' })
  })

  it('gives one address of the family that is asked for', async () => {
    const { files } = await withServer({})
    const one = (family: 4 | 6) =>
      new Promise((resolve) =>
        lookupBy(files)('localhost', { family }, (_error, address, found) => resolve([address, found])),
      )
    expect(await one(4)).toEqual(['127.0.0.1', 4])
    expect(await one(6)).toEqual(['::1', 6])
  })
})

describe('resolv.conf', () => {
  it('is read as resolv.conf(5) says', () => {
    const text = '# c\nnameserver 10.96.0.10\nnameserver fd00::a ; c\nnameserver no\ndomain x\nsearch a b.\n'
    expect(parseNameFiles('', `${text}options ndots:5 timeout:2 attempts:3 edns0\n`)).toMatchObject({
      servers: ['10.96.0.10', 'fd00::a'],
      search: ['a', 'b.'],
      ndots: 5,
      timeoutMs: 2000,
      attempts: 3,
    })
    expect(parseNameFiles('', 'options ndots:x')).toMatchObject({
      servers: ['127.0.0.1'],
      ndots: 1,
      search: [],
    })
  })
})
