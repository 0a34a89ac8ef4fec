import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { markerFile } from '../../src/store/folder/folder-root.ts'
import { startEmbedded } from '../support/api/embedded.ts'

export interface RunningApi {
  url: string
  /** Paths of the objects in the store's folder. */
  stored(): Promise<string[]>
  close(): Promise<void>
}

/**
 * Starts the whole API over the embedded backend and a folder, which close() removes.
 * `jobs` maps the names of configured jobs to their YAML.
 */
export async function startApi(
  jobs: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, string>> = {},
): Promise<RunningApi> {
  const environment = { SHUTDOWN_SECONDS: '5', LOG_LEVEL: 'fatal', ...settings }
  const { url, config, remove } = await startEmbedded(jobs, environment)
  return {
    url,
    async stored() {
      if (config.store.kind !== 'folder') throw new Error('the embedded API has a folder')
      const entries = await readdir(config.store.directory, { recursive: true, withFileTypes: true })
      const objects = entries.filter((entry) => entry.isFile() && entry.name !== markerFile)
      return objects.map((entry) => join(entry.parentPath, entry.name))
    },
    close: remove,
  }
}
