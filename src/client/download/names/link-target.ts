/** The links of a result by their paths, as latin1 of the bytes. */
export type LinkTargets = ReadonlyMap<string, string>

/** As Linux: a longer chain is an error there. */
const mostLinks = 40

/**
 * True if a link at `path` with this target leads to a place in the folder, by way of all other
 * links. Paths and targets are latin1 of their bytes.
 */
export function staysInside(path: string, target: string, links: LinkTargets): boolean {
  const at = path.split('/').slice(0, -1)
  const rest = target.split('/')
  if (target === '' || target.startsWith('/') || target.includes('\0')) return false
  for (let followed = 0; rest.length > 0; ) {
    const name = rest.shift() ?? ''
    if (name === '' || name === '.') continue
    if (name === '..') {
      if (at.pop() === undefined) return false
      continue
    }
    at.push(name)
    const next = links.get(at.join('/'))
    if (next === undefined) continue
    followed += 1
    if (followed > mostLinks || next.startsWith('/')) return false
    at.pop()
    rest.unshift(...next.split('/'))
  }
  return true
}
