import { randomUUID } from 'node:crypto'
import { mkdir, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Config, ConfigError } from '../config/config.ts'
import { absenceDelay } from '../util/backoff.ts'
import { systemClock } from '../util/clock.ts'
import { codeOf } from '../util/error-code.ts'
import { messageOf } from '../util/errors.ts'
import type { Log } from '../util/log.ts'
import { backendTraits } from './backend-traits.ts'

/** With these errno no later try succeeds. */
const lasting = ['ENOTDIR', 'EEXIST', 'EROFS', 'EACCES', 'EPERM', 'ENAMETOOLONG', 'ELOOP', 'ENOENT', 'EINVAL']
const full = ['ENOSPC', 'EDQUOT']

/**
 * Makes DATA_DIRECTORY and proves that it can be written, where the settings use it. Rejects with a
 * ConfigError where it never will be, and with the signal's reason; tries again after other errors.
 * A full disk is no error: deleting makes room.
 */
export async function makeDataDirectory(config: Config, log: Log, signal?: AbortSignal): Promise<void> {
  const { store, local } = config
  const { dataDirectory } = local
  if (backendTraits(config).dataDirectory === undefined && store.kind !== 'folder') return
  for (let attempt = 1; ; attempt++) {
    try {
      await makeFolders(dataDirectory)
      return await prove(dataDirectory)
    } catch (error) {
      const code = codeOf(error) ?? ''
      if (full.includes(code)) return
      const problem = `DATA_DIRECTORY: ${dataDirectory} can't be used: ${messageOf(error)}`
      if (lasting.includes(code)) throw new ConfigError([`${problem}; expected a folder that can be written`])
      log.error(`${problem}; it is tried again`)
      await systemClock.sleep(absenceDelay(attempt), signal === undefined ? {} : { signal })
    }
  }
}

/** One level at a time: a recursive mkdir() of Node never ends below /proc. */
async function makeFolders(path: string): Promise<void> {
  if (await isFolder(path)) return
  const above = dirname(path)
  if (above !== path) await makeFolders(above)
  await mkdir(path, { mode: 0o700 }).catch(async (error: unknown) => {
    if (!(await isFolder(path))) throw error
  })
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isDirectory() ?? false
}

async function prove(path: string): Promise<void> {
  const probe = join(path, `probe.${randomUUID()}.new`)
  try {
    await writeFile(probe, 'x', { flag: 'wx', mode: 0o600 })
  } finally {
    await unlink(probe).catch(() => undefined)
  }
}
