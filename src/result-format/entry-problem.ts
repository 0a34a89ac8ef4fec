/**
 * What makes a line of a manifest or checkpoint one that no uploader writes; undefined for a sound
 * line. A consumer that unpacks a tar must not be led out of its folder by a forged manifest. A
 * link's target may be any text: it is never followed here.
 */
export function problemOfLine(line: Readonly<Record<string, unknown>>): string | undefined {
  const { path, path_base64: base64, key, target } = line
  if (typeof path === 'string') {
    if (!path.isWellFormed()) return problem('path', path, 'is no valid Unicode')
    return problemOfPath('path', path) ?? problemOfRest(key, target)
  }
  if (typeof base64 !== 'string') return 'it has no path'
  const bytes = Buffer.from(base64, 'base64').toString('latin1')
  return problemOfPath('path', bytes) ?? problemOfRest(key, target)
}

function problemOfRest(key: unknown, target: unknown): string | undefined {
  if (typeof target === 'string' && target.includes('\0')) return problem('target', target, 'has a NUL')
  return typeof key === 'string' ? problemOfPath('key', key) : undefined
}

/** One expression for all that is refused: this runs for each of a million entries. */
const suspect = /(?:^|\/)\.{0,2}(?:\/|$)|\0/

function problemOfPath(name: string, text: string): string | undefined {
  return suspect.test(text) ? problem(name, text, wrongOf(text)) : undefined
}

function wrongOf(text: string): string {
  if (text === '') return 'is empty'
  if (text.includes('\0')) return 'has a NUL'
  if (text.startsWith('/')) return 'is absolute'
  const dots = text.split('/').find((component) => component === '.' || component === '..')
  return dots === undefined ? 'has an empty component' : `has the component "${dots}"`
}

function problem(name: string, text: string, wrong: string): string {
  return `the ${name} ${JSON.stringify(text.slice(0, longest))} ${wrong}`
}

const longest = 200
