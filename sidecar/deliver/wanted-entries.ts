import { type Entry, pathBytes } from '../../src/result-format/entry.ts'
import { toBytePath } from '../scan/byte-path.ts'
import { outputFilter } from '../scan/output-filter.ts'

/** Whether an entry goes to a target: itself or a folder above it is included. */
export function wantedBy(include: readonly string[] | undefined): (entry: Entry) => boolean {
  if (include === undefined) return () => true
  const { includes } = outputFilter({ include })
  return (entry) => {
    const path = toBytePath(pathBytes(entry))
    if (includes(path, entry.type === 'directory')) return true
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      if (includes(path.slice(0, at), true)) return true
    }
    return false
  }
}
