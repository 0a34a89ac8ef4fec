import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { expect, it } from 'vitest'
import { putFile, serve } from '../../results/served.ts'
import { eventually } from '../../support/time/eventually.ts'

it('refuses a result beyond the limit of concurrent downloads until a download ends', async () => {
  const content = randomBytes(16 * 1024 * 1024)
  const { url } = await serve(async (store) => [await putFile(store, 'large', content)], { downloads: 2 })
  const slow = [await openAnswer(`${url}?file=large`), await openAnswer(`${url}?format=tar`)]
  const refused = await fetch(`${url}?file=large`)
  expect(refused.status).toBe(503)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await refused.json()).toMatchObject({ type: 'urn:jobferry:error:busy' })
  expect((await fetch(`${url}?file=large`, { method: 'HEAD' })).status).toBe(200)
  expect((await fetch(`${url}/list`)).status).toBe(200)
  slow[0]?.destroy()
  await eventually(async () => {
    const taken = await fetch(`${url}?file=large`)
    expect(taken.status).toBe(200)
    expect(Buffer.from(await taken.arrayBuffer()).equals(content)).toBe(true)
  })
  slow[1]?.destroy()
})

/** Sends a request and reads only the beginning of its answer, so that the download stays open. */
function openAnswer(url: string): Promise<{ destroy(): void }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, (response) => {
      response.once('readable', () => resolve(asked))
      response.on('error', () => {})
    })
    asked.on('error', reject).end()
  })
}
