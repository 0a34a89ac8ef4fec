import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fetchSource } from '../../../sidecar/inputs/fetch-source.ts'
import { createHttpSend } from '../../../sidecar/inputs/http-get.ts'
import type { SourceLine, SourceSettings } from '../../../src/job/inputs/input-list.ts'
import { createFolderStore } from '../../../src/store/folder/folder.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

interface FetchOptions {
  timeoutSeconds?: number
  /** Default: a folder of its own. */
  directory?: string
  /** A folder of secretsFolder(). */
  secretsDirectory?: string
}

/** Fetches an input `file`; `settings` differ from those of an operator that allows all. */
export async function fetchInto(
  line: Omit<SourceLine, 'type' | 'path'>,
  settings: Partial<SourceSettings> = {},
  { timeoutSeconds = 60, directory = temporaryFolder(), secretsDirectory = '/nowhere' }: FetchOptions = {},
) {
  const notes: (string | undefined)[] = []
  const all: SourceSettings = {
    type: 'settings',
    timeout_seconds: timeoutSeconds,
    allow: 'any',
    allow_http: true,
    unpack_max_bytes: 2 ** 30,
    unpack_max_entries: 10_000,
    ...settings,
  }
  const taken = fetchSource(
    { type: 'source', path: 'file', ...line },
    {
      send: createHttpSend(all),
      store: createFolderStore(join(directory, 'no-store')),
      attemptOf: () => Promise.reject(new Error('no job was awaited')),
      directory,
      secretsDirectory,
      until: Date.now() + timeoutSeconds * 1000,
      timeoutSeconds,
      unpackLimits: { bytes: all.unpack_max_bytes, entries: all.unpack_max_entries },
      note: (problem) => void notes.push(problem),
      signal: new AbortController().signal,
    },
  )
  const read = () => readFileSync(join(directory, 'file'))
  return { directory, notes, read, taken: await taken.catch((error: unknown) => error) }
}

/** Secrets as the uploader finds them: a folder each, a file for each value. */
export function secretsFolder(secrets: Readonly<Record<string, Readonly<Record<string, string>>>>): string {
  const directory = temporaryFolder()
  for (const [name, values] of Object.entries(secrets)) {
    mkdirSync(join(directory, name))
    for (const [key, value] of Object.entries(values)) writeFileSync(join(directory, name, key), value)
  }
  return directory
}
