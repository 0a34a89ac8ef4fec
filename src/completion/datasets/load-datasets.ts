import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { parse } from 'yaml'
import { messageOf } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { type DatasetEntry, parseDatasets } from './dataset-schema.ts'
import type { Datasets } from './datasets.ts'
import { findDataset } from './find-dataset.ts'

/** A mounted ConfigMap takes longer than this to change; a file of this size is read in no time. */
const pollMilliseconds = 5000

/**
 * The mapping in a YAML file; without one nothing is mapped. Rejects with an Error that names the file and what is
 * wrong in it. Where it becomes wrong later that is logged, and the mapping stays as it was.
 */
export async function loadDatasets(
  path: string | undefined,
  log: Log,
  { pollMs = pollMilliseconds }: { pollMs?: number } = {},
): Promise<Datasets> {
  if (path === undefined) return { find: () => undefined, close: () => {} }
  let text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Error(`DATASETS_FILE: ${messageOf(cause)}; expected a readable file`, { cause })
  })
  let entries = read(path, text)
  const closing = new AbortController()
  const { signal } = closing

  async function readAgain(): Promise<void> {
    const now = await readFile(path ?? '', 'utf8')
    if (now === text) return
    text = now
    entries = read(path ?? '', now)
    log.info({ path, datasets: entries.length }, 'the datasets were read again')
  }

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      try {
        await delay(pollMs, undefined, { signal, ref: false })
        await readAgain()
      } catch (error) {
        if (!signal.aborted) log.error({ error: messageOf(error) }, 'the datasets stay as they were')
      }
    }
  }

  void follow()
  return { find: (id) => findDataset(entries, id), close: () => closing.abort() }
}

function read(path: string, text: string): DatasetEntry[] {
  try {
    return parseDatasets(parse(text))
  } catch (cause) {
    throw new Error(`DATASETS_FILE ${path}: ${messageOf(cause)}`, { cause })
  }
}
