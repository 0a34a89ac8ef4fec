import { existsSync } from 'node:fs'
import process from 'node:process'
import { CommandError, exitCodes } from '../exit-codes.ts'
import type { Session } from '../session/session.ts'

type ServerSettings = typeof import('../../config/file/main.ts')

/** `jobferry config check FILE`: would a server start with this settings file and environment? */
export async function checkServerSettings({ out }: Session, file: string): Promise<number> {
  const { checkSettings } = await serverSettings()
  const { settingsFile, warnings } = inTerms(() => checkSettings(environmentWith(file)))
  if (out.json) out.value({ settings_file: settingsFile, warnings })
  else out.line([...warnings, `${settingsFile}: a server starts with these settings`].join('\n'))
  return 0
}

/** `jobferry config show [FILE]`: the settings of a server, and where each value is from. */
export async function showServerSettings({ out }: Session, file: string | undefined): Promise<number> {
  const { checkSettings, settingsText, shownSettings } = await serverSettings()
  if (out.json) out.value({ settings: shownSettings(environmentWith(file)) })
  else out.line(settingsText(environmentWith(file)))
  inTerms(() => checkSettings(environmentWith(file)))
  return 0
}

/** With `file`, that settings file instead of the environment's. */
function environmentWith(file: string | undefined): NodeJS.ProcessEnv {
  return file === undefined ? process.env : { ...process.env, SETTINGS_FILE: file }
}

/** Wrong settings are the caller's to put right, with the exit code for that. */
function inTerms<Value>(check: () => Value): Value {
  try {
    return check()
  } catch (error) {
    throw new CommandError(exitCodes.config, (error as Error).message)
  }
}

/** Built, it stands beside the command line, whose bundle has no part of the server. */
async function serverSettings(): Promise<ServerSettings> {
  const paths = ['./settings.js', '../../config/file/main.ts'].map((path) => new URL(path, import.meta.url))
  const found = paths.find((url) => existsSync(url))
  if (found === undefined) throw new CommandError(exitCodes.internal, 'the settings are not in this package')
  return (await import(found.href)) as ServerSettings
}
