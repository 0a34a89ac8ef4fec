import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CommandError, exitCodes, usageError } from '../exit-codes.ts'
import { type ConfigFile, readConfigFile } from './config-file.ts'

export interface ConnectionOptions {
  server?: string
  context?: string
  tokenFile?: string
}

export interface Connection {
  server: string
  token: string | undefined
  /** Where both come from, for people. */
  because: { server: string; token: string }
}

export const defaultServer = 'http://127.0.0.1:8888'

/**
 * Flags come before the environment, and that before the config file. A context's token goes to the
 * context's server alone. Throws a CommandError.
 */
export function connectionOf(options: ConnectionOptions, environment: NodeJS.ProcessEnv): Connection {
  const named = options.context ?? environment.JOBFERRY_CONTEXT
  const given = options.server ?? environment.JOBFERRY_SERVER
  if (options.server !== undefined && options.context !== undefined) {
    throw usageError('--server is given together with --context; expected one of the two')
  }
  // With a server of its own no file is read: a broken one is in nobody's way.
  const usesFile = options.context !== undefined || !given
  const context = usesFile ? contextOf(readConfigFile(environment), named) : undefined
  const server = context?.server ?? (given || defaultServer)
  checkServer(server)
  const from = options.server ? '--server' : 'JOBFERRY_SERVER'
  const because = context ? `context ${context.name}` : given ? from : 'the default'
  const token = tokenOf(options, environment, context?.token_file)
  return { server, token: token.text, because: { server: because, token: token.because } }
}

function contextOf(file: ConfigFile, named: string | undefined) {
  const name = named ?? file.current
  if (name === undefined) return undefined
  const context = file.contexts[name]
  if (context !== undefined) return { name, ...context }
  const known = Object.keys(file.contexts).join(', ') || 'none'
  throw new CommandError(exitCodes.config, `${file.path} has no context ${name}; it has ${known}`)
}

function checkServer(server: string): void {
  const isUrl = URL.canParse(server) && /^https?:$/.test(new URL(server).protocol)
  if (!isUrl) throw usageError(`${server} is no server; expected an address like ${defaultServer}`)
}

function tokenOf(
  { tokenFile }: ConnectionOptions,
  environment: NodeJS.ProcessEnv,
  ofContext: string | undefined,
): { text: string | undefined; because: string } {
  if (tokenFile !== undefined) return { text: readToken(tokenFile), because: tokenFile }
  const { JOBFERRY_TOKEN: text, JOBFERRY_TOKEN_FILE: file } = environment
  if (text) return { text: text.trim(), because: 'JOBFERRY_TOKEN' }
  if (file) return { text: readToken(file), because: file }
  if (ofContext !== undefined) return { text: readToken(ofContext), because: ofContext }
  return { text: undefined, because: 'none' }
}

function readToken(file: string): string {
  const path = file.startsWith('~/') ? join(homedir(), file.slice(2)) : file
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new CommandError(exitCodes.config, `the token's file can not be read: ${(error as Error).message}`)
  }
  if (/^[\x21-\x7e]+$/.test(text)) return text
  throw new CommandError(exitCodes.config, `${path} has no token; expected one line with it`)
}
