/*
 * A shelf has what one caller keeps: the uploads by name, and the contents behind them. It is one
 * object, so that each change of both is one write. The functions here are pure.
 */

export interface Shelf {
  /** Sorted by name. */
  uploads: readonly Named[]
  /** Each has another SHA-256, unless one of two is `removing`. */
  contents: readonly KeptContent[]
}

interface Named {
  name: string
  content: string
  /** RFC 3339: when the name got this content. */
  modified_at: string
}

/** An object in the store. */
export interface KeptContent {
  /** 16 hex digits. */
  id: string
  size: number
  /** Lower-case hex. */
  sha256: string
  etag: string
  /**
   * Final: nothing new may refer to the content, and the janitor removes it when no job needs it. If
   * the mark were taken back, a janitor that stalled could remove a content that is in use again.
   */
  removing?: true
}

export interface KeptUpload extends Named {
  size: number
  sha256: string
  etag: string
}

export const emptyShelf: Shelf = { uploads: [], contents: [] }

export function findUpload(shelf: Shelf, name: string): KeptUpload | undefined {
  const named = shelf.uploads.find((upload) => upload.name === name)
  return named && keptOf(shelf, named)
}

/** Up to `limit` uploads behind the name `after`, and whether there are further ones. */
export function pageOf(
  shelf: Shelf,
  { limit, after = '' }: { limit: number; after?: string },
): { uploads: KeptUpload[]; more: boolean } {
  const behind = shelf.uploads.filter(({ name }) => compare(name, after) > 0)
  const uploads = behind.slice(0, limit).map((named) => keptOf(shelf, named))
  return { uploads, more: behind.length > limit }
}

/**
 * The shelf after an upload: the name refers to the content of the same SHA-256 if the shelf has one,
 * else to the given one.
 */
export function withUpload(shelf: Shelf, name: string, content: KeptContent, now: Date): Shelf {
  const same = sameContent(shelf, content.sha256)
  const others = shelf.uploads.filter((upload) => upload.name !== name)
  const named = { name, content: (same ?? content).id, modified_at: now.toISOString() }
  const uploads = [...others, named].sort((a, b) => compare(a.name, b.name))
  return { uploads, contents: same === undefined ? [...shelf.contents, content] : shelf.contents }
}

/** The content with this SHA-256 that may be referred to. */
export function sameContent(shelf: Shelf, sha256: string): KeptContent | undefined {
  return shelf.contents.find((content) => content.sha256 === sha256 && !content.removing)
}

/** The shelf with the content in place of a lost one, to which names refer from now on. */
export function withReplaced(shelf: Shelf, lost: string | undefined, content: KeptContent): Shelf {
  if (lost === undefined || !hasContent(shelf, lost)) return shelf
  return {
    uploads: shelf.uploads.map((upload) =>
      upload.content === lost ? { ...upload, content: content.id } : upload,
    ),
    contents: [...shelf.contents.filter(({ id }) => id !== lost), content],
  }
}

export function withoutUpload(shelf: Shelf, name: string): Shelf {
  return { ...shelf, uploads: shelf.uploads.filter((upload) => upload.name !== name) }
}

export function hasContent({ contents }: Shelf, id: string): boolean {
  return contents.some((content) => content.id === id)
}

/** Contents that may be referred to, by id. */
export function usableContents(shelf: Shelf): Map<string, KeptContent> {
  return new Map(shelf.contents.filter(({ removing }) => !removing).map((content) => [content.id, content]))
}

/** Marks the contents to which no name refers, and for which `isUsed` is false. */
export function markUnused(shelf: Shelf, isUsed: (id: string) => boolean): Shelf {
  const named = new Set(shelf.uploads.map(({ content }) => content))
  const isUnused = ({ id }: KeptContent) => !named.has(id) && !isUsed(id)
  const contents = shelf.contents.map((content) =>
    isUnused(content) ? { ...content, removing: true as const } : content,
  )
  return { ...shelf, contents }
}

export function removingContents(shelf: Shelf): KeptContent[] {
  return shelf.contents.filter(({ removing }) => removing)
}

export function withoutContents(shelf: Shelf, removed: readonly string[]): Shelf {
  return { ...shelf, contents: shelf.contents.filter(({ id }) => !removed.includes(id)) }
}

/** The shelf without names whose content is missing, so that the other names stay usable. */
export function soundShelf(shelf: Shelf): Shelf {
  const ids = new Set(shelf.contents.map(({ id }) => id))
  return { ...shelf, uploads: shelf.uploads.filter(({ content }) => ids.has(content)) }
}

function keptOf({ contents }: Shelf, named: Named): KeptUpload {
  const content = contents.find(({ id }) => id === named.content)
  if (content === undefined) throw new Error(`the shelf has no content ${named.content}`)
  const { size, sha256, etag } = content
  return { ...named, size, sha256, etag }
}

/** In the order of the names' bytes. */
function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
