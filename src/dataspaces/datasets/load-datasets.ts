import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { parseRequestYaml } from '../../job/request/request-yaml.ts'
import { messageOf, StartError } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'
import { type DatasetEntry, parseDatasets } from './dataset-schema.ts'
import type { Datasets } from './datasets.ts'
import { findDataset } from './find-dataset.ts'

/**
 * Milliseconds between two reads: a mounted ConfigMap changes more slowly, and reading it is cheap.
 */
const pollMilliseconds = 5000

/**
 * Loads the mapping from a YAML file; without a file it is empty. Rejects with an Error that names
 * the file and its mistake. If the file becomes invalid later, that is logged and the last valid
 * mapping stays.
 */
export async function loadDatasets(
  path: string | undefined,
  log: Log,
  { pollMs = pollMilliseconds }: { pollMs?: number } = {},
): Promise<Datasets> {
  if (path === undefined) return { find: () => undefined, close: () => {} }
  let bytes = await readFile(path).catch((cause: unknown) => {
    throw new StartError(`DATASETS_FILE: ${messageOf(cause)}; expected a readable file`, { cause })
  })
  let entries = read(path, bytes)
  const closing = new AbortController()
  const { signal } = closing

  async function readAgain(): Promise<void> {
    const now = await readFile(path ?? '')
    if (now.equals(bytes)) return
    bytes = now
    entries = read(path ?? '', now)
    log.info({ path, datasets: entries.length }, 'DATASETS_FILE changed and was read again')
  }

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      try {
        await delay(pollMs, undefined, { signal, ref: false })
        await readAgain()
      } catch (error) {
        if (!signal.aborted)
          log.error(
            { error: messageOf(error) },
            'DATASETS_FILE is invalid; the last valid mapping stays in use',
          )
      }
    }
  }

  void follow()
  return { find: (id) => findDataset(entries, id), close: () => closing.abort() }
}

function read(path: string, bytes: Uint8Array): DatasetEntry[] {
  try {
    return parseDatasets(parseRequestYaml(bytes))
  } catch (cause) {
    throw new StartError(`DATASETS_FILE ${path}: ${messageOf(cause)}`, { cause })
  }
}
