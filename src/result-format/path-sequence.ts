import { type Entry, pathBytes } from './entry.ts'

/** Follows entries in the order of a manifest, in constant memory. */
export class PathSequence {
  #previous: string | undefined
  /** Files and links whose paths begin the present one: each is a beginning of the next. */
  readonly #leaves: string[] = []

  /**
   * Takes the next entry. `isAscending` is false if its path does not follow the one before by its
   * bytes, so also for a path that comes twice. `isBelowLeaf` is true if it lies below a file or a
   * link: unpacked one after the other, they would write where the link leads.
   */
  next(entry: Entry): { isAscending: boolean; isBelowLeaf: boolean } {
    const path = sortable(entry)
    const isAscending = this.#previous === undefined || path > this.#previous
    this.#previous = path
    const leaves = this.#leaves
    while (leaves.length > 0 && !path.startsWith(leaves.at(-1) ?? '')) leaves.pop()
    const isBelowLeaf = leaves.some((leaf) => path[leaf.length] === '/')
    if (entry.type !== 'directory') leaves.push(path)
    return { isAscending, isBelowLeaf }
  }
}

/** A text that sorts as the path's bytes do. */
function sortable(entry: Entry): string {
  const { path } = entry
  return path !== undefined && !beyondAscii.test(path) ? path : pathBytes(entry).toString('latin1')
}

const beyondAscii = /[^\p{ASCII}]/u
