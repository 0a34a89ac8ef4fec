import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { getJson } from '../support/http.ts'

interface Page {
  files: { path: string; type: string; sha256?: string }[]
  next: string | null
}

const readAtOnce = 16

/** A job's files are exactly these, path → hex SHA-256: by the list, and by their bytes as HTTP gives them. */
export async function expectWritten(
  url: string,
  uuid: string,
  expected: ReadonlyMap<string, string>,
): Promise<void> {
  const listed = new Map<string, string | undefined>()
  for (let next: string | null = `/job/${uuid}/result/list?limit=10000`; next !== null; ) {
    const page: Page = await getJson<Page>(`${url}${next}`)
    for (const { path, type, sha256 } of page.files) if (type === 'file') listed.set(path, sha256)
    next = page.next
  }
  expect(different(listed, expected)).toEqual([])
  const read = new Map<string, string>()
  const left = [...expected.keys()]
  const readSome = async () => {
    for (let path = left.pop(); path !== undefined; path = left.pop()) {
      read.set(path, await digestOf(`${url}/job/${uuid}/result?file=${encodeURIComponent(path)}`))
    }
  }
  await Promise.all(Array.from({ length: readAtOnce }, readSome))
  expect(different(read, expected)).toEqual([])
}

/** Ten of them at most: thousands in an assertion's message help nobody. */
function different(found: ReadonlyMap<string, string | undefined>, expected: ReadonlyMap<string, string>) {
  const paths = new Set([...found.keys(), ...expected.keys()])
  return [...paths].filter((path) => found.get(path) !== expected.get(path)).slice(0, 10)
}

async function digestOf(url: string): Promise<string> {
  const response = await fetch(url)
  if (response.status !== 200 || response.body === null) return `answered ${response.status}`
  const hash = createHash('sha256')
  for await (const chunk of response.body) hash.update(chunk)
  return hash.digest('hex')
}
