import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { unstoredError } from '../../sidecar/pass/unstored.ts'
import { getJson } from '../support/api/http.ts'

interface Page {
  files: { path: string; type: string; sha256?: string; error?: string }[]
  next: string | null
}

const readAtOnce = 16

/**
 * Expects exactly these files, path → SHA-256 in hex, in the result list and in their downloads.
 * Besides them a partial result lists the files that were not stored in time.
 */
export async function expectWritten(
  url: string,
  uuid: string,
  expected: ReadonlyMap<string, string>,
): Promise<void> {
  const listed = new Map<string, string | undefined>()
  for (let next: string | null = `/job/${uuid}/result/list?limit=10000`; next !== null; ) {
    const page: Page = await getJson<Page>(`${url}${next}`)
    for (const { path, type, sha256, error } of page.files)
      if (type === 'file' && error !== unstoredError) listed.set(path, sha256)
    next = page.next
  }
  expect(different(listed, expected)).toEqual([])
  const read = new Map<string, string>()
  const left = [...expected.keys()]
  const readRemaining = async () => {
    for (let path = left.pop(); path !== undefined; path = left.pop()) {
      read.set(path, await digestOf(`${url}/job/${uuid}/result?file=${encodeURIComponent(path)}`))
    }
  }
  await Promise.all(Array.from({ length: readAtOnce }, readRemaining))
  expect(different(read, expected)).toEqual([])
}

/** The paths that differ, at most ten of them to keep an assertion's message readable. */
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
