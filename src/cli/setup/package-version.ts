import { readFileSync } from 'node:fs'

/** The version in the package.json above this module: dist/ has one level, the sources have three. */
export function packageVersion(): string {
  for (const above of ['../package.json', './package.json', '../../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(above, import.meta.url), 'utf8')) as {
        name: string
        version: string
      }
      if (name === 'jobferry') return version
    } catch {
      // Not at this level.
    }
  }
  return 'unknown'
}
