import { expect, test } from 'vitest'
import { createGrants } from '../../../src/dataspaces/grants/create-grants.ts'
import type { GrantedRead, GrantToken } from '../../../src/dataspaces/grants/grants.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { folderStore, keysOf } from '../../support/store/folder-store.ts'

const job = '0b0e1c5a-3f6c-4a5e-9a55-0d6a7c2f1e11'
const other = '0b0e1c5a-3f6c-4a5e-9a55-0d6a7c2f1e12'
const all: GrantedRead = { job, what: 'result', files: [] }

/** Grants with a clock that stands still until `pass` moves it. */
async function grantsAt(start: number) {
  const store = await folderStore()
  let now = start
  const grants = createGrants(store, { seconds: 60, now: () => now })
  return { store, grants, pass: (seconds: number) => (now += seconds * 1000), now: () => now }
}

test('a token allows to read its job in every replica until it expires', async () => {
  const { store, grants, pass } = await grantsAt(1_000_000)
  const { id, token, expiresAt } = await grants.create({ job })
  expect(token).toMatch(/^jfg_[\w-]+\.[\w-]{43}$/)
  expect(expiresAt.getTime()).toBe(1_060_000)
  const replica = createGrants(store, { seconds: 1, now: () => 1_059_999 })
  expect(await replica.check(token, all)).toBe(id)
  expect(await grants.check(token, { ...all, what: 'list' })).toBe(id)
  pass(60)
  await expect(grants.check(token, all)).rejects.toThrow('expired at 1970-01-01T00:17:40.000Z')
  await expect(grants.check(token, all)).rejects.toMatchObject({ code: 'unauthorized' })
})

test('the store holds neither tokens nor anything usable as a token', async () => {
  const { store, grants } = await grantsAt(0)
  const { id, token } = await grants.create({ job })
  const [key = ''] = await keysOf(store, 'grants/')
  const { stream } = await store.get(key)
  const stored = Buffer.concat(await stream.toArray()).toString()
  expect(stored).not.toContain(token)
  expect(stored).not.toContain(token.split('.')[1])
  const hash = (JSON.parse(stored) as { secrets: { sha256: string }[] }).secrets[0]?.sha256 ?? ''
  await expect(grants.check(`jfg_${id}.${hash}`, all)).rejects.toMatchObject({ code: 'unauthorized' })
})

test.each<[string, GrantedRead]>([
  ['another job', { ...all, job: other }],
  ['everything', all],
  ['the list', { ...all, what: 'list' }],
  ['another file', { ...all, files: [Buffer.from('b.txt')] }],
  ['the file and another one', { ...all, files: [Buffer.from('a.txt'), Buffer.from('b.txt')] }],
])('a token for one file does not allow %s', async (_, read) => {
  const { grants } = await grantsAt(0)
  const { token } = await grants.create({ job, files: ['a.txt'] })
  await expect(grants.check(token, { ...all, files: [Buffer.from('a.txt')] })).resolves.toBeDefined()
  await expect(grants.check(token, read)).rejects.toMatchObject({ code: 'forbidden' })
})

test.each([
  'jfg_',
  'jfg_x',
  'jfg_../x.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'jfg_x.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
])('%s is refused as a token', async (token) => {
  const { grants } = await grantsAt(0)
  await grants.create({ id: 'x', job })
  await expect(grants.check(token, all)).rejects.toMatchObject({ code: 'unauthorized' })
})

test('a suspended grant is refused until it is resumed, a revoked one forever', async () => {
  const { grants } = await grantsAt(0)
  const { id, token } = await grants.create({ job })
  expect(await grants.suspend(id)).toBe(true)
  await expect(grants.check(token, all)).rejects.toMatchObject({ code: 'forbidden' })
  expect(await grants.resume(id)).toBe(true)
  await expect(grants.check(token, all)).resolves.toBe(id)
  await grants.revoke(id)
  await grants.revoke(id)
  await expect(grants.check(token, all)).rejects.toMatchObject({ code: 'unauthorized' })
  expect([await grants.suspend(id), await grants.resume(id), await grants.renew(id)]).toEqual([
    false,
    false,
    undefined,
  ])
})

test('a renewed grant accepts both tokens, or with `only` the new one', async () => {
  const { grants, pass } = await grantsAt(0)
  const first = await grants.create({ id: 'flow', job })
  pass(30)
  const second = await grants.renew('flow')
  await expect(grants.check(first.token, all)).resolves.toBe('flow')
  const third = await grants.renew('flow', { only: true, seconds: 5 })
  await expect(grants.check(first.token, all)).rejects.toMatchObject({ code: 'unauthorized' })
  await expect(grants.check(second?.token ?? '', all)).rejects.toMatchObject({ code: 'unauthorized' })
  await expect(grants.check(third?.token ?? '', all)).resolves.toBe('flow')
  pass(5)
  await expect(grants.check(third?.token ?? '', all)).rejects.toThrow('expired')
})

test('a grant created again, as after a lost answer, keeps its first token valid', async () => {
  const { grants } = await grantsAt(0)
  const first = await grants.create({ id: 'again', job })
  const [second] = await Promise.all([
    grants.create({ id: 'again', job }),
    grants.create({ id: 'again', job }),
  ])
  for (const { token } of [first, second]) await expect(grants.check(token, all)).resolves.toBe('again')
})

test('two replicas that renew a grant at once both give valid tokens', async () => {
  const { store, grants } = await grantsAt(0)
  await grants.create({ id: 'shared', job })
  let meanwhile: Promise<GrantToken | undefined> | undefined
  const slow: ArtifactStore = {
    ...store,
    async get(key, options) {
      const read = await store.get(key, options)
      meanwhile ??= grants.renew('shared')
      await meanwhile
      return read
    },
  }
  const replica = createGrants(slow, { seconds: 60, now: () => 0 })
  for (const given of [await replica.renew('shared'), await meanwhile]) {
    await expect(grants.check(given?.token ?? '', all)).resolves.toBe('shared')
  }
})

test('a grant revoked during a renewal by another replica stays revoked', async () => {
  const { store, grants } = await grantsAt(0)
  await grants.create({ id: 'revoked', job })
  const slow: ArtifactStore = {
    ...store,
    async get(key, options) {
      const read = await store.get(key, options)
      await grants.revoke('revoked')
      return read
    },
  }
  expect(await createGrants(slow, { seconds: 60, now: () => 0 }).renew('revoked')).toBeUndefined()
  expect(await grants.get('revoked')).toBeUndefined()
})

test('sweep removes a grant a day after its end, but not a renewed one', async () => {
  const { store, grants, pass, now } = await grantsAt(1_000_000)
  const ended = await grants.create({ id: 'ended', job })
  await grants.create({ id: 'renewed', job })
  pass(60)
  const renewed = await grants.renew('renewed', { seconds: 200_000 })
  await grants.sweep(now())
  await expect(grants.check(ended.token, all)).rejects.toThrow('expired')
  pass(86_400)
  await grants.sweep(now())
  expect(await keysOf(store, 'grants/')).toEqual(['grants/renewed.json'])
  expect(await keysOf(store, 'grants-due/')).toHaveLength(1)
  await expect(grants.check(renewed?.token ?? '', all)).resolves.toBe('renewed')
})
