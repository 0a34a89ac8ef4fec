import { Minimatch } from 'minimatch'
import { type BytePath, toBytes } from './byte-path.ts'

/** Exactly what .gitignore knows: no braces, no `+(…)`, dots are ordinary. */
const options = {
  dot: true,
  nobrace: true,
  noext: true,
  nonegate: true,
  nocomment: true,
  platform: 'linux',
} as const

/** Whether a pattern of .gitignore matches a path itself; it then holds for all below it as well. */
export type Glob = (path: string, isDirectory: boolean) => boolean

/**
 * With a slash at the beginning or in the middle the pattern is of a whole path, else of a name in
 * any folder; with a slash at its end it matches folders only (gitignore(5)).
 */
export function globOf(pattern: string): Glob {
  const directoriesOnly = pattern.endsWith('/')
  const body = directoriesOnly ? pattern.slice(0, -1) : pattern
  const whole = body.includes('/') ? body.replace(/^\//, '') : `**/${body}`
  const matcher = new Minimatch(whole, options)
  return (path, isDirectory) => (isDirectory || !directoriesOnly) && matcher.match(path)
}

/** A path as patterns see it: text, with U+FFFD for what is not UTF-8. */
export function globText(path: BytePath): string {
  return isAscii.test(path) ? path : toBytes(path).toString('utf8')
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
const isAscii = /^[\u0000-\u007f]*$/
