import type { UploaderRules } from '../../src/job/outputs/output-rules.ts'
import type { BytePath } from './byte-path.ts'
import { type Glob, globOf, globText } from './glob.ts'

/** Which names of the result directory belong to the result. */
export interface OutputFilter {
  /** Neither the name nor anything below it: it is not even opened. */
  excludes(path: BytePath, isDirectory: boolean): boolean
  /** The name, and all below it that is not excluded. */
  includes(path: BytePath, isDirectory: boolean): boolean
}

export const keepsAll: OutputFilter = { excludes: () => false, includes: () => true }

export function outputFilter({ include, exclude }: UploaderRules): OutputFilter {
  return {
    excludes: exclude === undefined ? keepsAll.excludes : anyOf(exclude.map(globOf)),
    includes: include === undefined ? keepsAll.includes : anyOf(include.map(globOf)),
  }
}

function anyOf(globs: readonly Glob[]): (path: BytePath, isDirectory: boolean) => boolean {
  return (path, isDirectory) => {
    const text = globText(path)
    return globs.some((matches) => matches(text, isDirectory))
  }
}
