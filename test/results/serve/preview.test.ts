import { expect, it } from 'vitest'
import { dispositionOf } from '../../../src/results/serve/disposition.ts'
import { relayBody } from '../../../src/store/relay.ts'
import { type ArtifactStore, StoreError } from '../../../src/store/store.ts'
import { putFile, serve } from '../served.ts'

const sandboxed = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
}

const text = '<script>alert(1)</script>'

it.each([
  ['notes.txt', 'text/plain; charset=utf-8', 'inline'],
  ['run.log', 'text/plain; charset=utf-8', 'inline'],
  ['stdout.out', 'text/plain; charset=utf-8', 'inline'],
  ['stderr.err', 'text/plain; charset=utf-8', 'inline'],
  ['model.py', 'text/plain; charset=utf-8', 'inline'],
  ['start.sh', 'text/plain; charset=utf-8', 'inline'],
  ['README.md', 'text/plain; charset=utf-8', 'inline'],
  ['table.csv', 'text/plain; charset=utf-8', 'inline'],
  ['table.tsv', 'text/plain; charset=utf-8', 'inline'],
  ['calls.vcf', 'text/plain; charset=utf-8', 'inline'],
  ['main.rs', 'text/plain; charset=utf-8', 'inline'],
  ['main.ts', 'text/plain; charset=utf-8', 'inline'],
  ['genes.bed', 'text/plain; charset=utf-8', 'inline'],
  ['lines.ndjson', 'text/plain; charset=utf-8', 'inline'],
  ['Makefile', 'text/plain; charset=utf-8', 'inline'],
  ['text.bin', 'text/plain; charset=utf-8', 'inline'],
  ['program.js', 'text/plain; charset=utf-8', 'inline'],
  ['style.css', 'text/plain; charset=utf-8', 'inline'],
  ['numbers.json', 'application/json; charset=utf-8', 'inline'],
  ['plot.png', 'image/png', 'inline'],
  ['photo.jpeg', 'image/jpeg', 'inline'],
  ['plot.svg', 'image/svg+xml', 'inline'],
  ['page.html', 'text/html; charset=utf-8', 'attachment'],
  ['page.xhtml', 'application/xhtml+xml', 'attachment'],
  ['feed.xml', 'application/xml', 'attachment'],
  ['notebook.ipynb', 'application/json; charset=utf-8', 'inline'],
  ['map.geojson', 'application/json; charset=utf-8', 'inline'],
  ['scene.gltf', 'application/json; charset=utf-8', 'inline'],
  ['mail.eml', 'text/plain; charset=utf-8', 'inline'],
  ['paper.rtf', 'application/rtf', 'attachment'],
  ['paper.ps', 'application/postscript', 'attachment'],
  ['paper.pdf', 'application/pdf', 'attachment'],
  ['list.m3u8', 'application/vnd.apple.mpegurl', 'attachment'],
])('sends %s as %s, %s, in a sandbox and with nosniff', async (name, type, disposition) => {
  const { url } = await serve(async (store) => [await putFile(store, name, text)])
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

const latin = Buffer.from('M\xfcller\n', 'latin1')
const docx = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
const binary = Buffer.from('text\0text')
const controls = Buffer.from([0, 1, 2])
const latinEnd = Buffer.from('caf\xe9', 'latin1')
const lateLatin = Buffer.concat([Buffer.alloc(16 * 1024, 'x'), latin])

it.each<[name: string, content: string | Buffer, type: string, disposition: string]>([
  ['drive.bag', binary, 'application/octet-stream', 'attachment'],
  ['no-ending', binary, 'application/octet-stream', 'attachment'],
  ['video.ts', binary, 'video/mp2t', 'attachment'],
  ['binary.csv', controls, 'application/octet-stream', 'attachment'],
  ['binary.txt', controls, 'application/octet-stream', 'attachment'],
  ['binary.log', controls, 'application/octet-stream', 'attachment'],
  ['binary.json', controls, 'application/octet-stream', 'attachment'],
  ['binary.geojson', controls, 'application/octet-stream', 'attachment'],
  ['binary.html', controls, 'application/octet-stream', 'attachment'],
  ['binary.md', Buffer.from([0x1f, 0x8b, 0xff]), 'application/octet-stream', 'attachment'],
  ['binary.svg', controls, 'image/svg+xml', 'inline'],
  ['holes.csv', binary, 'application/octet-stream', 'attachment'],
  ['latin.txt', latin, 'text/plain', 'inline'],
  ['latin.csv', latin, 'text/plain', 'inline'],
  ['latin.json', latin, 'application/json', 'inline'],
  ['latin.html', latin, 'text/html', 'attachment'],
  ['latin', latin, 'text/plain', 'inline'],
  ['end.txt', latinEnd, 'text/plain', 'inline'],
  ['end.csv', latinEnd, 'text/plain', 'inline'],
  ['end.json', latinEnd, 'application/json', 'inline'],
  ['end.html', latinEnd, 'text/html', 'attachment'],
  ['end.svg', latinEnd, 'image/svg+xml', 'inline'],
  ['end.xml', latinEnd, 'application/xml', 'attachment'],
  ['windows.txt', Buffer.from('\uFEFFMüller\r\n', 'utf16le'), 'text/plain', 'inline'],
  ['holes.log', binary, 'text/plain; charset=utf-8', 'inline'],
  ['noise.log', Buffer.from([0, 0xff]), 'text/plain', 'inline'],
  ['noise.vcf', Buffer.from([0x1f, 0x8b, 0]), 'application/octet-stream', 'attachment'],
  ['terminal', '\x1b[31mred\x1b[0m\b\x07\r\n', 'text/plain; charset=utf-8', 'inline'],
  ['text.zip', 'a', 'application/zip', 'attachment'],
  ['text.gz', 'a', 'application/gzip', 'attachment'],
  ['text.docx', 'a', docx, 'attachment'],
  ['text.mp4', 'a', 'video/mp4', 'attachment'],
  ['text.tar', 'a', 'application/x-tar', 'attachment'],
  ['text.tar.bz2', 'a', 'application/x-bzip2', 'attachment'],
  ['text.xz', 'a', 'application/x-xz', 'attachment'],
  ['text.zst', 'a', 'application/zstd', 'attachment'],
  ['text.7z', 'a', 'application/x-7z-compressed', 'attachment'],
  ['text.rar', 'a', 'application/vnd.rar', 'attachment'],
  ['text.jar', 'a', 'application/java-archive', 'attachment'],
  ['empty', '', 'text/plain; charset=utf-8', 'inline'],
  ['full', 'x'.repeat(16 * 1024), 'text/plain; charset=utf-8', 'inline'],
  ['cut', `${'x'.repeat(16 * 1024 - 1)}€`, 'text/plain', 'inline'],
  ['cut-later', `ü${'x'.repeat(16 * 1024 - 3)}€`, 'text/plain; charset=utf-8', 'inline'],
  ['late.txt', lateLatin, 'text/plain', 'inline'],
  ['late.csv', lateLatin, 'text/plain', 'inline'],
  ['late.json', lateLatin, 'application/json', 'inline'],
  ['late.html', lateLatin, 'text/html', 'attachment'],
  ['long', 'ü'.repeat(600_000), 'text/plain; charset=utf-8', 'inline'],
])(
  'sends %s by its first bytes, for each method, range and order of requests',
  async (name, content, type, disposition) => {
    const requests = [{ method: 'HEAD' }, { headers: { range: 'bytes=0-1' } }, {}]
    for (const first of requests) {
      const { url } = await serve(async (store) => [await putFile(store, name, content)])
      for (const init of [first, ...requests]) {
        const answer = await fetch(`${url}?file=${name}`, init)
        await answer.arrayBuffer()
        if (answer.status === 416) continue
        expect(Object.fromEntries(answer.headers)).toMatchObject({ ...sandboxed, 'content-type': type })
        expect(answer.headers.get('content-disposition')).toBe(`${disposition}; filename=${name}`)
      }
    }
  },
)

const late = (size: number) =>
  Buffer.concat([Buffer.alloc(10 * 1024, 'x'), latin, Buffer.alloc(size - 10 * 1024 - latin.length, 'y')])

it.each([11 * 1024, 300_000])(
  'sees a character at 10 KiB of %i bytes, in however small chunks they come, whatever came first',
  async (size) => {
    const content = late(size)
    for (const methods of [
      ['GET', 'HEAD', 'GET'],
      ['HEAD', 'GET'],
    ]) {
      const { url } = await serve(async (store) => [await putFile(store, 'a.txt', content)], {
        faults: (store) => inChunks(store, 4 * 1024),
      })
      for (const method of methods) {
        const answer = await fetch(`${url}?file=a.txt`, { method })
        expect(answer.headers.get('content-type')).toBe('text/plain')
        const body = Buffer.from(await answer.arrayBuffer())
        if (method === 'GET') expect(body.equals(content)).toBe(true)
      }
    }
  },
)

/** A store that sends files in chunks, each in the same memory. */
function inChunks(store: ArtifactStore, size: number): ArtifactStore {
  const memory = Buffer.alloc(size)
  return {
    ...store,
    async relay(key, sinkFor, options) {
      await relayBody(await store.get(key, options), (head) => {
        const sink = sinkFor(head)
        return async (chunk) => {
          for (let at = 0; at < chunk.length; at += size)
            await sink(memory.subarray(0, chunk.copy(memory, 0, at, at + size)))
        }
      })
    },
  }
}

it('answers HEAD without a charset while the store does not answer', async () => {
  const { url } = await serve(async (store) => [await putFile(store, 'a.txt', 'a')], {
    faults: (store) => ({
      ...store,
      get: (key, options) =>
        key.includes('/files/')
          ? Promise.reject(new StoreError('unavailable', 'refused'))
          : store.get(key, options),
    }),
  })
  const answer = await fetch(`${url}?file=a.txt`, { method: 'HEAD' })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('text/plain')
})

it('has the store send every type that could run scripts at its origin as an attachment', () => {
  const byStore = (type: string) => dispositionOf('file', type, 'store')
  expect(byStore('image/png')).toMatch(/^inline/)
  expect(byStore('text/plain; charset=utf-8')).toMatch(/^inline/)
  for (const type of ['image/svg+xml', 'text/html; charset=utf-8', 'application/pdf', 'text/xml', 'text/css'])
    expect(byStore(type)).toMatch(/^attachment/)
})
