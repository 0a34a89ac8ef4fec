import { expect, it } from 'vitest'
import { dispositionOf } from '../../src/result/disposition.ts'
import { putFile, serve } from './served.ts'

const sandboxed = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
}

it.each([
  ['notes.txt', 'text/plain; charset=utf-8', 'inline'],
  ['run.log', 'text/plain; charset=utf-8', 'inline'],
  ['README.md', 'text/markdown; charset=utf-8', 'inline'],
  ['table.csv', 'text/csv; charset=utf-8', 'inline'],
  ['numbers.json', 'application/json; charset=utf-8', 'inline'],
  ['plot.png', 'image/png', 'inline'],
  ['photo.jpeg', 'image/jpeg', 'inline'],
  ['plot.svg', 'image/svg+xml', 'inline'],
  ['page.html', 'text/html; charset=utf-8', 'attachment'],
  ['page.xhtml', 'application/xhtml+xml', 'attachment'],
  ['feed.xml', 'application/xml', 'attachment'],
  ['program.js', 'text/javascript; charset=utf-8', 'attachment'],
  ['paper.pdf', 'application/pdf', 'attachment'],
  ['drive.bag', 'application/octet-stream', 'attachment'],
  ['no-extension', 'application/octet-stream', 'attachment'],
])('sends %s as %s, %s, in a sandbox and not to be guessed', async (name, type, disposition) => {
  const { url } = await serve(async (store) => [await putFile(store, name, '<script>alert(1)</script>')])
  for (const method of ['GET', 'HEAD']) {
    const answer = await fetch(`${url}?file=${name}`, { method })
    await answer.arrayBuffer()
    expect(Object.fromEntries(answer.headers)).toMatchObject({ ...sandboxed, 'content-type': type })
    expect(answer.headers.get('content-disposition')).toBe(`${disposition}; filename=${name}`)
  }
  const etag = (await fetch(`${url}?file=${name}`, { method: 'HEAD' })).headers.get('etag') ?? ''
  const known = await fetch(`${url}?file=${name}`, { headers: { 'if-none-match': etag } })
  expect(Object.fromEntries(known.headers)).toMatchObject(sandboxed)
})

it('lets nothing be shown at the address of a store that could run it there', () => {
  const byStore = (type: string) => dispositionOf('file', type, 'store')
  expect(byStore('image/png')).toMatch(/^inline/)
  expect(byStore('text/plain; charset=utf-8')).toMatch(/^inline/)
  for (const type of ['image/svg+xml', 'text/html; charset=utf-8', 'application/pdf', 'text/xml', 'text/css'])
    expect(byStore(type)).toMatch(/^attachment/)
})
