import { describe, expect, it } from 'vitest'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { folderEntry, linkEntry, putFile, serve } from '../served.ts'
import { problemCode } from './typical-result.ts'

const numbered = (i: number) => `l${String(i).padStart(2, '0')}`

/** Adds the key of each get() to `gets`. */
function recording(store: ArtifactStore, gets: string[]): ArtifactStore {
  return {
    ...store,
    get(key, options) {
      gets.push(key)
      return store.get(key, options)
    },
  }
}

async function served() {
  const { url } = await serve(async (store) => [
    await putFile(store, 'runs/7/plot.png', 'plot of 7'),
    await putFile(store, 'runs/7/blob', 'a,b\n'),
    await putFile(store, 'report.txt', 'report'),
    folderEntry('runs'),
    folderEntry('runs/7'),
    linkEntry('latest', 'runs/7'),
    linkEntry('newest.png', 'latest/plot.png'),
    linkEntry('newest', './runs//7/plot.png'),
    linkEntry('table.csv', 'runs/7/blob'),
    linkEntry('runs/up.txt', '../report.txt'),
    linkEntry('runs/7/up.txt', '../up.txt'),
    linkEntry('around.txt', 'latest/../up.txt'),
    linkEntry('circle', 'circle'),
    linkEntry('circle-a', 'circle-b/x'),
    linkEntry('circle-b', 'circle-a/x'),
    linkEntry('broken', 'nowhere'),
    linkEntry('outside', '../../etc/passwd'),
    linkEntry('through-outside', '../results/report.txt'),
    linkEntry('absolute', '/etc/passwd'),
    linkEntry('below-a-file', 'report.txt/x'),
    { path_base64: Buffer.from([0x6c, 0xff]).toString('base64'), type: 'symlink', target: 'report.txt' },
  ])
  return (path: string, init: RequestInit = {}) => fetch(`${url}?file=${path}`, init)
}

describe('a symbolic link', () => {
  it.each([
    ['newest.png', 'plot of 7', 'image/png', 'newest.png'],
    ['newest', 'plot of 7', 'image/png', 'plot.png'],
    ['latest/plot.png', 'plot of 7', 'image/png', 'plot.png'],
    ['table.csv', 'a,b\n', 'text/plain; charset=utf-8', 'table.csv'],
    ['runs/up.txt', 'report', 'text/plain; charset=utf-8', 'up.txt'],
    ['latest/up.txt', 'report', 'text/plain; charset=utf-8', 'up.txt'],
    ['around.txt', 'report', 'text/plain; charset=utf-8', 'around.txt'],
    ['l%FF', 'report', 'text/plain; charset=utf-8', 'report.txt'],
  ])('%s opens the file that it leads to', async (path, content, type, name) => {
    const answer = await (await served())(path)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe(type)
    expect(answer.headers.get('content-disposition')).toBe(`inline; filename=${name}`)
    expect(await answer.text()).toBe(content)
  })

  it('has ranges and the ETag of its file', async () => {
    const get = await served()
    const file = await get('report.txt', { method: 'HEAD' })
    const part = await get('runs/up.txt', { headers: { range: 'bytes=2-3' } })
    expect(part.status).toBe(206)
    expect(await part.text()).toBe('po')
    expect(part.headers.get('etag')).toBe(file.headers.get('etag'))
  })

  it.each([
    'circle',
    'circle-a',
    'circle/x',
    'broken',
    'outside',
    'through-outside',
    'absolute',
    'below-a-file',
    'latest',
  ])('%s stays a link, since it leads to no file of the results', async (path) => {
    const answer = await (await served())(path)
    expect(answer.status).toBe(409)
    expect(await problemCode(answer)).toBe('not-a-readable-file')
  })

  it('leads on through 40 links, and no further', async () => {
    const gets: string[] = []
    const { url } = await serve(
      async (store) => [
        await putFile(store, 'l00', 'end'),
        ...Array.from({ length: 41 }, (_, i) => linkEntry(numbered(i + 1), numbered(i))),
      ],
      { faults: (store) => recording(store, gets) },
    )
    expect(await (await fetch(`${url}?file=l40`)).text()).toBe('end')
    gets.length = 0
    const answer = await fetch(`${url}?file=l41`)
    expect(answer.status).toBe(409)
    expect(await answer.json()).toMatchObject({ detail: '"l41" leads through more than 40 symbolic links' })
    expect(gets).toHaveLength(1)
  })

  it('leads through no more than 200 links and folders', async () => {
    const { url } = await serve(async (store) => [
      await putFile(store, 'a/file', 'end'),
      folderEntry('a'),
      linkEntry('long', `${'a/../'.repeat(197)}a/file`),
      linkEntry('longer', `${'a/../'.repeat(198)}a/file`),
    ])
    expect(await (await fetch(`${url}?file=long`)).text()).toBe('end')
    const answer = await fetch(`${url}?file=longer`)
    expect(await answer.json()).toMatchObject({
      detail: '"longer" leads through more than 200 links and folders',
    })
  })

  it.each(['latest/nothing', 'report.txt/x', 'latest/', './latest/plot.png', 'runs/../report.txt'])(
    'does not make a file of %s',
    async (path) => {
      expect((await (await served())(path)).status).toBe(404)
    },
  )
})
