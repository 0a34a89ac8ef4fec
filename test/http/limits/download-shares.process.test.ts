import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createGrants } from '../../../src/dataspaces/grants/create-grants.ts'
import { createFolderStore } from '../../../src/store/folder/folder.ts'
import { startEmbedded } from '../../support/api/embedded.ts'
import { get, type RawClient, rawClient } from '../../support/api/raw-client.ts'
import { call } from '../client.ts'

const tokenOf = (name: string) => `${name}-token`
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

it('leaves downloads to the owner while readers with grants take all that they get', async () => {
  const { url, path, grants, uuid } = await start()
  const readers: RawClient[] = []
  for (let n = 0; n < 5; n += 1) {
    const { token } = await grants.create({ job: uuid })
    const own = await Promise.all(Array.from({ length: 10 }, () => slow(url, path, token)))
    const begun = () => own.filter(({ text }) => text().startsWith('HTTP/1.1 200 ')).length
    await expect.poll(() => own.every(({ text }) => text() !== '')).toBe(true)
    // 2 of 12 with each grant, 6 with all of them.
    expect(begun()).toBe(n < 3 ? 2 : 0)
    readers.push(...own)
  }
  expect(readers.at(-1)?.text()).toMatch(/^HTTP\/1\.1 503 .*Retry-After.*urn:jobferry:error:busy/s)
  for (const owner of ['alice', 'bob']) {
    const answer = await fetch(url + path, { headers: bearer(tokenOf(owner)) })
    expect(answer.status).toBe(200)
    await answer.body?.cancel()
  }
  for (const { socket } of readers) socket.destroy()
})

it('leaves downloads to other tokens while one token takes all that it gets', async () => {
  const { url, path } = await start()
  const readers = await Promise.all(Array.from({ length: 20 }, () => slow(url, path, tokenOf('alice'))))
  await expect.poll(() => readers.every(({ text }) => text() !== '')).toBe(true)
  expect(readers.filter(({ text }) => text().startsWith('HTTP/1.1 200 '))).toHaveLength(8)
  const answer = await fetch(url + path, { headers: bearer(tokenOf('bob')) })
  expect(answer.status).toBe(200)
  await answer.body?.cancel()
  for (const { socket } of readers) socket.destroy()
})

/** An API that sends 12 results at once, with a job whose file is larger than all buffers. */
async function start() {
  const line = (name: string) => `${name}:${createHash('sha256').update(tokenOf(name)).digest('hex')}`
  const api = await startEmbedded(
    { default: 'command: [sh, -c, "head -c 67108864 /dev/zero >$RESULT_DIRECTORY/big"]' },
    { API_TOKENS: ['alice', 'bob'].map(line).join('\n'), DOWNLOADS_MAX: '12', LOG_LEVEL: 'fatal' },
  )
  onTestFinished(() => api.remove())
  const headers = bearer(tokenOf('alice'))
  const deployed = await call(api.url, { path: '/job/deploy?wait=30', headers })
  const { job_uuid: uuid } = deployed.json() as { job_uuid: string }
  const grants = createGrants(createFolderStore(join(api.directory, 'store')), { seconds: 60 })
  return { url: api.url, path: `/job/${uuid}/result?file=big`, grants, uuid }
}

/** Reads the beginning of the answer alone. */
async function slow(url: string, path: string, token: string): Promise<RawClient> {
  const client = await rawClient(url, get(path, [`Authorization: Bearer ${token}`]))
  client.socket.once('data', () => client.socket.pause())
  client.socket.on('error', () => {})
  onTestFinished(() => void client.socket.destroy())
  return client
}
