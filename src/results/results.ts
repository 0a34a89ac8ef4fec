import type { Entry } from '../result-format/entry.ts'
import type { EntryRange } from '../result-format/manifest/manifest-reader.ts'
import { defined } from '../util/objects.ts'
import { type ArchiveRequest, archiveAnswer } from './archive.ts'
import { type DamageOf, listLines, listOf, type ResultList, type ResultListQuery, readPage } from './list.ts'
import type { OpenResult, ResultOpener } from './open-result.ts'
import { type Answer, type Body, resultHeaders } from './serve/answer.ts'
import { type FileRequest, fileAnswer } from './serve/file.ts'
import { verified } from './verify.ts'

/**
 * Reads the results of jobs. Rejects with Problem: as LocateResult and fileAnswer() do,
 * `result-damaged`, `unavailable`. Bodies reject with the same errors; an abort of `signal` ends
 * their reads.
 */
export interface Results {
  /** One file. */
  file(uuid: string, path: Uint8Array, request: FileRequest): Promise<Answer>
  /** An archive of all entries, or of those that selectEntries() returns for the named paths. */
  archive(uuid: string, request: ArchiveRequest): Promise<Answer>
  /** One page of entries; `self` is the list's own URL. */
  list(
    uuid: string,
    query: ResultListQuery,
    self: string,
    signal?: AbortSignal,
  ): Promise<{ headers: Record<string, string>; list: ResultList }>
  /** All entries up to the query's limit, one a line (NDJSON). */
  lines(uuid: string, query: ResultListQuery, signal?: AbortSignal): Promise<Answer>
}

export function createResults(opener: ResultOpener): Results {
  const withResult = <T>(
    uuid: string,
    soFar: boolean | undefined,
    use: (result: OpenResult) => Promise<T>,
  ): Promise<T> => opener.withResult(uuid, use, soFar)
  const damageOf = (result: OpenResult): DamageOf => {
    const { attempt, damages } = opener.filesOf(result)
    return (entry) => damages.of(attempt, entry)
  }
  const entriesOf = (result: OpenResult, range: EntryRange): AsyncIterable<Entry> => {
    return opener.streamOf(result, result.manifest.entries(range))
  }

  return {
    file: (uuid, path, request) =>
      withResult(uuid, request.soFar, (result) => fileAnswer(result, opener.filesOf(result), path, request)),

    archive: (uuid, request) =>
      withResult(uuid, request.soFar, (result) => archiveAnswer(opener, result, request)),

    list: (uuid, query, self, signal) =>
      withResult(uuid, query.soFar, async (result) => {
        const page = await readPage(result, query, signal)
        if (query.verify) await readAll(verified(opener.filesOf(result), each(page.entries), signal))
        return { headers: listHeaders(result), list: listOf(result, page, query, self, damageOf(result)) }
      }),

    lines: (uuid, { limit, verify, soFar, ...range }, signal) =>
      withResult(uuid, soFar, async (result) => {
        const headers = { ...listHeaders(result), 'Content-Type': 'application/x-ndjson' }
        const all = entriesOf(result, { ...range, ...abortOf(signal) })
        const entries = verify ? opener.streamOf(result, verified(opener.filesOf(result), all, signal)) : all
        const body: Body = async (sink) => {
          for await (const lines of listLines(entries, damageOf(result), limit)) await sink(lines)
        }
        return { status: 200, headers, body }
      }),
  }
}

async function* each<T>(items: Iterable<T>): AsyncGenerator<T, void> {
  yield* items
}

async function readAll(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

function listHeaders(result: OpenResult): Record<string, string> {
  return { ...resultHeaders(result.located.state), Vary: 'Accept' }
}

function abortOf(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return defined({ signal })
}
