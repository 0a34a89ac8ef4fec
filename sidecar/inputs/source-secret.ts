import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../../src/util/error-code.ts'

/** The values of a Secret; each is a file of the folder with its name. */
export interface SourceSecret {
  name: string
  accessKey?: string
  secretKey?: string
  sessionToken?: string
  endpoint?: string
  region?: string
  /** The Authorization header of requests over https. */
  authorization?: string
}

const members = ['accessKey', 'secretKey', 'sessionToken', 'endpoint', 'region', 'authorization'] as const

/** Reads it anew: it may change, or come, while sources are fetched. Missing values are absent. */
export async function readSecret(directory: string | undefined, name: string): Promise<SourceSecret> {
  if (directory === undefined) throw new Error('the uploader has no folder of Secrets')
  const values = await Promise.all(members.map((member) => textOf(join(directory, name, member))))
  const there = members.flatMap((member, index) => (values[index] ? [[member, values[index]]] : []))
  return { name, ...Object.fromEntries(there) }
}

/** Throws an Error that names the Secret and the value if there is none: it may come. */
export function demanded(secret: SourceSecret, member: (typeof members)[number]): string {
  const value = secret[member]
  if (value !== undefined) return value
  throw new Error(`the Secret ${JSON.stringify(secret.name)} is not there, or has no ${member}`)
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return undefined
    throw error
  }
}
