import { nearest, nearestWithEdits } from '../util/checks/nearest.ts'
import { settingNames } from './environment.ts'
import { settingsSchema } from './schema.ts'
import { groupMeta } from './setting.ts'

/** Sentences about variables that look like settings and are none. */
export interface UnknownSettings {
  /** Misspelt settings: the program must not start without what they were to say. */
  problems: string[]
  /** Variables that may be another program's. */
  warnings: string[]
}

/** A setting with so long a name is meant by a name one or two letters off, whatever its prefix. */
const unmistakableLength = 11
/** Shorter names that begin as no group of settings does are compared from this length on. */
const leastLength = 8

/**
 * Compares the names of an environment's variables with the settings. A name one or two letters off
 * is a problem if it begins as a group's settings do (`S3_`), or is long; else a warning, as are
 * further names of a group. Where the right setting is there too, nothing is lost: a warning.
 */
export function findUnknownSettings(environment: NodeJS.ProcessEnv): UnknownSettings {
  const settings = settingNames().map(({ variable }) => variable)
  const known = ['SETTINGS_FILE', ...settings.flatMap((variable) => [variable, `${variable}_FILE`])]
  const prefixes = Object.values(settingsSchema.shape).flatMap((group) => {
    const prefix = groupMeta.get(group)?.prefix
    return prefix ? [`${prefix}_`] : []
  })
  const found: UnknownSettings = { problems: [], warnings: [] }
  for (const [variable, value] of Object.entries(environment)) {
    if (!value || known.includes(variable)) continue
    const hasPrefix = prefixes.some((prefix) => variable.startsWith(prefix))
    const misspelt = meantBy(variable, known)
    const meant = misspelt ?? cutShort(variable, settings)
    const isGiven = meant !== undefined && [meant, `${meant}_FILE`].some((name) => environment[name])
    const isClear = hasPrefix || baseName(misspelt ?? '').length >= unmistakableLength
    if (misspelt !== undefined && !isGiven && isClear) {
      found.problems.push(`${variable}: is no setting; expected ${misspelt}`)
    } else if (hasPrefix || (meant !== undefined && baseName(meant).length >= leastLength)) {
      const near = meant ?? nearest(variable, settings)
      const hint = near === undefined ? '' : `; the nearest one is ${near}`
      found.warnings.push(`${variable} is no setting and has no effect${hint}`)
    }
  }
  return found
}

/** The name that is at most two letters off, one if it is short. */
function meantBy(variable: string, known: readonly string[]): string | undefined {
  const near = nearestWithEdits(variable, known)
  if (near === undefined) return undefined
  return near.edits <= (near.candidate.length < 10 ? 1 : 2) ? near.candidate : undefined
}

/** The setting whose beginning it is, as DATA_DIR of DATA_DIRECTORY. */
function cutShort(variable: string, settings: readonly string[]): string | undefined {
  return variable.length < leastLength ? undefined : settings.find((name) => name.startsWith(variable))
}

function baseName(variable: string): string {
  return variable.replace(/_FILE$/, '')
}
