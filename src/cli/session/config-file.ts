import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { CommandError, exitCodes } from '../exit-codes.ts'

/** A server, and the file with the token for it. */
export interface Context {
  server: string
  token_file?: string
}

export interface ConfigFile {
  path: string
  /** Name of the context that is used if none is named. */
  current?: string
  contexts: Readonly<Record<string, Context>>
}

/** JOBFERRY_CONFIG, or `jobferry/config.yaml` where the XDG Base Directory Specification says. */
export function configPath(environment: NodeJS.ProcessEnv): string {
  if (environment.JOBFERRY_CONFIG) return environment.JOBFERRY_CONFIG
  return join(environment.XDG_CONFIG_HOME || join(homedir(), '.config'), 'jobferry', 'config.yaml')
}

/** The file, without contexts if there is none. Throws a CommandError for one of another form. */
export function readConfigFile(environment: NodeJS.ProcessEnv): ConfigFile {
  const path = configPath(environment)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !environment.JOBFERRY_CONFIG) {
      return { path, contexts: {} }
    }
    throw configError(path, (error as Error).message)
  }
  let value: unknown
  try {
    value = parse(text)
  } catch (error) {
    throw configError(path, (error as Error).message)
  }
  return { path, ...checked(path, value ?? {}) }
}

function checked(path: string, value: unknown): Omit<ConfigFile, 'path'> {
  const file = objectOf(path, value, 'the file', ['current', 'contexts'])
  const contexts = Object.entries(objectOf(path, file.contexts ?? {}, 'contexts')).map(([name, given]) => {
    const context = objectOf(path, given, `contexts.${name}`, ['server', 'token_file'])
    const server = textOf(path, context.server, `contexts.${name}.server`)
    const tokenFile = context.token_file
    if (tokenFile === undefined) return [name, { server }] as const
    return [name, { server, token_file: textOf(path, tokenFile, `contexts.${name}.token_file`) }] as const
  })
  const current = file.current === undefined ? {} : { current: textOf(path, file.current, 'current') }
  return { contexts: Object.fromEntries(contexts), ...current }
}

function objectOf(path: string, value: unknown, what: string, known?: readonly string[]) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw configError(path, `${what} is no object; expected ${known?.join(' and ') ?? 'names with values'}`)
  }
  const unknown = Object.keys(value).find((key) => known !== undefined && !known.includes(key))
  if (unknown !== undefined) {
    throw configError(path, `${what}: ${unknown} is unknown; expected ${known?.join(' or ')}`)
  }
  return value as Record<string, unknown>
}

function textOf(path: string, value: unknown, what: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw configError(path, `${what} is missing or no text; expected text`)
}

function configError(path: string, problem: string): CommandError {
  return new CommandError(exitCodes.config, `${path}: ${problem}`)
}
