import { type Config, ConfigError } from '../config/config.ts'
import { messageOf } from '../util/errors.ts'
import type { Log } from '../util/log.ts'
import type { Cleanup } from './services.ts'

/** Files of mounted Secrets and ConfigMaps change by links, which no watch reports everywhere. */
const pollMilliseconds = 5_000

/** Settings that take effect while the program runs. */
const followed = ['API_TOKENS', 'PROVISION_TOKENS', 'POLICY_FILE']

/** What takes over new settings. */
export interface Followers {
  setTokens(auth: Config['auth']): void
  setPolicy(policy: NonNullable<Config['policy']>): void
}

/** Looks at the files of the settings every five seconds, until the returned function is called. */
export function followSettings(config: Config, followers: Followers, log: Log): Cleanup {
  if (config.files.length === 0) return () => {}
  const check = createSettingsCheck(config, followers, log)
  const timer = setInterval(check, pollMilliseconds).unref()
  return () => clearInterval(timer)
}

/**
 * The returned function reads the files of the settings again, and passes on changed tokens and a
 * changed policy. Wrong settings, and those that would let everybody in, change nothing; the log says
 * so once. It also names what takes effect at the next start.
 */
export function createSettingsCheck(config: Config, followers: Followers, log: Log): () => void {
  let current = config
  let said: string | undefined
  return () => {
    let problem: string | undefined
    try {
      const next = config.reread()
      takeOver(current, next, followers, log)
      current = next
    } catch (error) {
      problem = messageOf(error)
    }
    if (problem !== undefined && problem !== said) {
      log.error({ problem }, 'the changed settings are wrong; the earlier ones stay in use')
    }
    said = problem
  }
}

function takeOver(current: Config, next: Config, { setTokens, setPolicy }: Followers, log: Log): void {
  const changed = changedSettings(current, next)
  const policyChanged = JSON.stringify(current.policy) !== JSON.stringify(next.policy)
  const tokensChanged = changed.some((name) => name.endsWith('_TOKENS'))
  refuseOpenDoor(current, next)
  if (tokensChanged) {
    setTokens(next.auth)
    log.info({ callers: next.auth.tokens.map(({ name }) => name) }, 'the tokens of callers were read again')
  }
  if (policyChanged && next.policy !== undefined) {
    setPolicy(next.policy)
    log.info(
      { changed: changedKeys(current.policy ?? {}, next.policy) },
      "the operator's policy was read again",
    )
  }
  const later = changed.filter((name) => !followed.includes(name) && !isTokenFile(name, next))
  if (later.length > 0) log.warn({ settings: later }, 'changed settings take effect at the next start')
}

/** The client of the cluster reads that file again. */
function isTokenFile(name: string, { given }: Config): boolean {
  return name === 'CLUSTER_TOKEN' && given.get(name)?.file !== undefined
}

/** A file that was emptied by mistake must not open the API to everybody. */
function refuseOpenDoor(current: Config, next: Config): void {
  if (current.auth.tokens.length > 0 && next.auth.tokens.length === 0) {
    throw new ConfigError(['API_TOKENS: no token is left; restart to let callers in without one'])
  }
  if (current.policy !== undefined && next.policy === undefined) {
    throw new ConfigError(['POLICY_FILE: no policy is left; restart to let callers ask for everything'])
  }
}

function changedSettings(current: Config, next: Config): string[] {
  const names = new Set([...current.given.keys(), ...next.given.keys()])
  return [...names].filter((name) => current.given.get(name)?.text !== next.given.get(name)?.text)
}

function changedKeys(current: object, next: object): string[] {
  const values = (policy: object, key: string) => JSON.stringify((policy as Record<string, unknown>)[key])
  return Object.keys({ ...current, ...next }).filter((key) => values(current, key) !== values(next, key))
}
