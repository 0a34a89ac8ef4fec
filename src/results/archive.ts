import type { Entry } from '../result-format/entry.ts'
import type { EntryRange } from '../result-format/manifest/manifest-reader.ts'
import { defined } from '../util/objects.ts'
import type { Sink } from '../util/sink.ts'
import { type ArchiveFormat, inFormat } from './archive-format.ts'
import type { OpenResult, ResultOpener } from './open-result.ts'
import { selectEntries } from './select-entries.ts'
import { type Answer, resultHeaders } from './serve/answer.ts'
import { PackedRuns } from './tar/packed-runs.ts'
import { refuseStrays } from './tar/refuse-strays.ts'
import { sendTar } from './tar/tar.ts'
import { planZip } from './zip/plan-zip.ts'
import { sendZip } from './zip/zip.ts'

export interface ArchiveRequest {
  /** Empty for all entries. */
  paths: readonly Buffer[]
  format: ArchiveFormat
  /** The job need not be final. */
  soFar?: boolean
  signal?: AbortSignal
}

/** The answer with an archive of the selected entries. Rejects as Results does. */
export async function archiveAnswer(
  opener: ResultOpener,
  result: OpenResult,
  { paths, format, signal }: ArchiveRequest,
): Promise<Answer> {
  const source = opener.filesOf(result)
  const headers = {
    ...resultHeaders(result.located.state),
    'Content-Type': format.contentType,
    'Content-Disposition': `attachment; filename=${source.uuid}.${format.extension}`,
    'Accept-Ranges': 'none',
  }
  const within = (range: EntryRange) =>
    opener.streamOf(result, result.manifest.entries({ ...range, ...defined({ signal }) }))
  const found = paths.length === 0 ? within : await selectEntries(result, paths, within, signal)
  const entries = repeatable(() => opener.streamOf(result, refuseStrays(result.manifest.key, found({}))))
  const runs = new PackedRuns(source, signal)
  const send = runs.send.bind(runs)
  if (format.kind === 'tar') {
    const tar = (sink: Sink) => sendTar(runs.around(entries), send, sink)
    return { status: 200, headers, body: inFormat(format, tar) }
  }
  const plan = await planZip(entries)
  const around = runs.around.bind(runs)
  return {
    status: 200,
    headers: { ...headers, 'Content-Length': String(plan.length) },
    body: (sink) => sendZip(plan, entries, around, send, sink),
  }
}

function repeatable(begin: () => AsyncIterable<Entry>): AsyncIterable<Entry> {
  return { [Symbol.asyncIterator]: () => begin()[Symbol.asyncIterator]() }
}
