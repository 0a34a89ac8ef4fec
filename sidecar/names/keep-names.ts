import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf } from '../../src/util/error-code.ts'
import type { StateDirectory } from '../state-directory.ts'
import { type NameFiles, parseNameFiles } from './name-files.ts'

/**
 * Hosts and resolv.conf as they were when the uploader first started. All containers of a pod share
 * these files, and a worker that is root could change them: the copies in the state directory were
 * made before the worker started, and the worker has no access to them.
 */
export function keepNames(state: Pick<StateDirectory, 'path'>, directory = '/etc'): NameFiles {
  const kept = (name: string) => {
    const copy = state.path(name)
    if (!existsSync(copy)) {
      writeFileSync(`${copy}.tmp`, readIfAny(join(directory, name)))
      renameSync(`${copy}.tmp`, copy)
    }
    return readFileSync(copy, 'utf8')
  }
  return parseNameFiles(kept('hosts'), kept('resolv.conf'))
}

function readIfAny(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ''
    throw error
  }
}
