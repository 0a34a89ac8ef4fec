import type { Entry } from '../artifact/entry.ts'
import type { EntryRange } from '../artifact/manifest-reader.ts'
import type { ArtifactStore } from '../artifact/store.ts'
import type { Log } from '../log.ts'
import { type Answer, resultHeaders } from './answer.ts'
import { type ArchiveFormat, inFormat } from './archive-format.ts'
import { chosenEntries } from './chosen.ts'
import { createDamages } from './damages.ts'
import type { FileSource } from './entry-bytes.ts'
import { type FileRequest, fileAnswer } from './file.ts'
import { type DamageOf, type ListQuery, listLines, listOf, type ResultList, readPage } from './list.ts'
import type { LocateResult } from './locate.ts'
import { createOpener, type OpenedResult } from './opened.ts'
import { PackedRuns } from './packed-runs.ts'
import { createSoFar } from './so-far.ts'
import { tarBytes } from './tar.ts'
import { verified } from './verify.ts'

/**
 * Reading what jobs left. Rejects with Problem: as LocateResult does, `result-damaged`, `unavailable`, and what
 * fileAnswer() names. Bodies end so too; an abort of `signal` ends their reads.
 */
export interface Results {
  /** One file. */
  file(uuid: string, path: Uint8Array, request: FileRequest): Promise<Answer>
  /** A tar of everything, or of the paths that are named, as chosenEntries() has them. */
  tar(uuid: string, request: TarRequest): Promise<Answer>
  /** One page of entries; `self` is the list's own address. */
  list(
    uuid: string,
    query: ListQuery,
    self: string,
    signal?: AbortSignal,
  ): Promise<{ headers: Record<string, string>; list: ResultList }>
  /** All entries, or as many as the query's limit says, one a line. */
  lines(uuid: string, query: ListQuery, signal?: AbortSignal): Promise<Answer>
}

export interface TarRequest {
  /** Everything where it is empty. */
  paths: readonly Buffer[]
  format: ArchiveFormat
  /** The job need not be final. */
  soFar?: boolean
  signal?: AbortSignal
}

/** With `shutdown` go its temporary files. */
export function createResults(
  store: ArtifactStore,
  locateResult: LocateResult,
  log: Log,
  shutdown?: AbortSignal,
): Results {
  const opener = createOpener(store, locateResult, log, createSoFar(store, log, shutdown))
  const withResult = <T>(
    uuid: string,
    soFar: boolean | undefined,
    use: (result: OpenedResult) => Promise<T>,
  ): Promise<T> => opener.withResult(uuid, use, soFar)
  const damages = createDamages()
  const sourceOf = ({ located }: OpenedResult): FileSource => {
    const { job, attempt, state } = located
    const provisional = state === 'provisional'
    return { store, uuid: job.job_uuid, attempt, provisional, log, damages }
  }
  const damageOf = ({ located }: OpenedResult): DamageOf => {
    return (entry) => damages.of(located.attempt, entry)
  }
  const entriesOf = (result: OpenedResult, range: EntryRange): AsyncIterable<Entry> => {
    return opener.streamOf(result, result.manifest.entries(range))
  }

  return {
    file: (uuid, path, request) =>
      withResult(uuid, request.soFar, (result) => fileAnswer(result, sourceOf(result), path, request)),

    tar: (uuid, { paths, format, soFar, signal }) =>
      withResult(uuid, soFar, async (result) => {
        const source = sourceOf(result)
        const headers = {
          ...resultHeaders(result.located.state),
          'Content-Type': format.contentType,
          'Content-Disposition': `attachment; filename=${source.uuid}.${format.extension}`,
          'Accept-Ranges': 'none',
        }
        const within = (range: EntryRange) => entriesOf(result, { ...range, ...abortOf(signal) })
        const entries = paths.length === 0 ? within({}) : await chosenEntries(result, paths, within, signal)
        const runs = new PackedRuns(source, signal)
        const tar = tarBytes(runs.around(entries), (file) => runs.read(file))
        return { status: 200, headers, body: inFormat(format, tar) }
      }),

    list: (uuid, query, self, signal) =>
      withResult(uuid, query.soFar, async (result) => {
        const page = await readPage(result, query, signal)
        if (query.verify) await readAll(verified(sourceOf(result), each(page.entries), signal))
        return { headers: listHeaders(result), list: listOf(result, page, query, self, damageOf(result)) }
      }),

    lines: (uuid, { limit, verify, soFar, ...range }, signal) =>
      withResult(uuid, soFar, async (result) => {
        const headers = { ...listHeaders(result), 'Content-Type': 'application/x-ndjson' }
        const all = entriesOf(result, { ...range, ...abortOf(signal) })
        const entries = verify ? opener.streamOf(result, verified(sourceOf(result), all, signal)) : all
        return { status: 200, headers, body: listLines(entries, damageOf(result), limit) }
      }),
  }
}

async function* each<T>(items: Iterable<T>): AsyncGenerator<T, void> {
  yield* items
}

async function readAll(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

function listHeaders(result: OpenedResult): Record<string, string> {
  return { ...resultHeaders(result.located.state), Vary: 'Accept' }
}

function abortOf(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}
