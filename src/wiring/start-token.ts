import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import type { Config } from '../config/config.ts'
import type { Token } from '../http/options.ts'
import { codeOf } from '../util/error-code.ts'
import { backendTraits } from './backend-traits.ts'

/** Of a file, for its owner alone. */
const tokenFileMode = constants.S_IFREG | 0o600

/** A token that this program made, now or at an earlier start. */
export interface StartToken {
  token: Token
  /** What callers send: `Authorization: Bearer <text>`. */
  text: string
}

/**
 * Makes a token where callers may run commands as this user and no other setting says who may:
 * every user of the machine, and every page in a browser, reaches loopback. The token of an earlier
 * start goes on: callers wait over a restart.
 */
export async function makeStartToken(config: Config): Promise<StartToken | undefined> {
  const { auth } = config
  const { runsCommandsAsThisUser, dataDirectory } = backendTraits(config)
  if (!runsCommandsAsThisUser) return undefined
  if (auth.tokens.length > 0 || auth.allowUnauthenticated) return undefined
  const earlier = dataDirectory === undefined ? undefined : await readToken(join(dataDirectory, 'token'))
  const text = earlier ?? randomBytes(24).toString('hex')
  return { token: { name: 'start', sha256: createHash('sha256').update(text).digest('hex') }, text }
}

/**
 * Writes the token to `token` in DATA_DIRECTORY, for its owner alone; resolves with the file's
 * path, or undefined on a full disk. Without a token the file of an earlier start is removed. Call
 * it while this process alone uses the folder.
 */
export async function writeStartToken(
  config: Config,
  startToken: StartToken | undefined,
): Promise<string | undefined> {
  const { dataDirectory } = backendTraits(config)
  if (dataDirectory === undefined) return undefined
  const file = join(dataDirectory, 'token')
  if (startToken !== undefined && (await readToken(file)) === startToken.text) return file
  // A new file: writing into an existing one would keep its mode.
  await rm(file, { force: true })
  if (startToken === undefined) return undefined
  try {
    await writeFile(file, `${startToken.text}\n`, { mode: 0o600, flag: 'wx' })
    return file
  } catch (error) {
    // The log shows it too.
    await rm(file, { force: true })
    if (!['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '')) throw error
    return undefined
  }
}

/** Undefined unless this user alone can have written and read the file. */
async function readToken(file: string): Promise<string | undefined> {
  try {
    const { uid, mode } = await lstat(file)
    if (uid !== process.getuid?.() || mode !== tokenFileMode) return undefined
    const [text] = /^[0-9a-f]{48}(?=\n$)/.exec(await readFile(file, 'utf8')) ?? []
    return text
  } catch {
    return undefined
  }
}
