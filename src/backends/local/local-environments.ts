import { randomBytes } from 'node:crypto'
import { readdir, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { EnvironmentInfo, Environments } from '../../job/backend.ts'
import { codeOf } from '../../util/error-code.ts'
import { invalid } from '../../util/errors.ts'
import { makeDirectoryDurably, writeDurably } from './files/durable-files.ts'

interface EnvironmentFile {
  secret: boolean
  created_at: string
  variables: Record<string, string>
}

const idPattern = /^env-[0-9a-z]{10,40}$/

/** Environments of `POST /resource/env` as files that only their owner can read. */
export class LocalEnvironments implements Environments {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  async create(variables: Readonly<Record<string, string>>, secret: boolean): Promise<EnvironmentInfo> {
    const id = `env-${randomBytes(8).toString('hex')}`
    const file: EnvironmentFile = {
      secret,
      created_at: new Date().toISOString(),
      variables: { ...variables },
    }
    await makeDirectoryDurably(this.#directory)
    await writeDurably(this.#path(id), JSON.stringify(file))
    return info(id, file)
  }

  async list(): Promise<EnvironmentInfo[]> {
    const names = await readdir(this.#directory).catch(emptyIfAbsent)
    const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length))
    const found: EnvironmentInfo[] = []
    for (const id of ids.sort()) {
      const file = await this.#read(id)
      if (file) found.push(info(id, file))
    }
    return found
  }

  /** The folder holds nothing else. */
  async foreign(): Promise<string[]> {
    return []
  }

  async remove(id: string): Promise<boolean> {
    if (!idPattern.test(id)) return false
    try {
      await unlink(this.#path(id))
      return true
    } catch (error) {
      if (isAbsent(error)) return false
      throw error
    }
  }

  /** The variables of each id. Rejects with a Problem `invalid-request` for an unknown id. */
  async variables(ids: readonly string[]): Promise<Record<string, string>[]> {
    const all = []
    for (const id of ids) {
      const file = await this.#read(id)
      if (!file) throw invalid('config_map_ref', `there is no ${id}`, 'ids that POST /resource/env gave')
      all.push(file.variables)
    }
    return all
  }

  async #read(id: string): Promise<EnvironmentFile | undefined> {
    if (!idPattern.test(id)) return undefined
    try {
      return JSON.parse(await readFile(this.#path(id), 'utf8')) as EnvironmentFile
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw error
    }
  }

  #path(id: string): string {
    return join(this.#directory, `${id}.json`)
  }
}

function info(id: string, { secret, created_at, variables }: EnvironmentFile): EnvironmentInfo {
  return { id, secret, names: Object.keys(variables).sort(), created_at }
}

function isAbsent(error: unknown): boolean {
  return codeOf(error) === 'ENOENT'
}

function emptyIfAbsent(error: unknown): string[] {
  if (isAbsent(error)) return []
  throw error
}
