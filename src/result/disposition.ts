import { create } from 'content-disposition'

/** Where a file is shown: this API puts it into a sandbox, the store doesn't. */
export type ShownBy = 'api' | 'store'

/**
 * The Content-Disposition of a file of that name and type: text and images are shown, everything else is saved. SVG is shown
 * in the sandbox alone; HTML and PDF never: the one is somebody's page at this address, the other no sandbox shows.
 */
export function dispositionOf(name: string, type: string, shownBy: ShownBy): string {
  const essence = type.replace(/;.*$/s, '')
  const isShown = safe.has(essence) || (shownBy === 'api' && essence === 'image/svg+xml')
  return create(name.replaceAll('\uFFFD', '_'), { type: isShown ? 'inline' : 'attachment' })
}

/** Types in which no browser finds anything to run. */
const safe: ReadonlySet<string> = new Set([
  'text/plain',
  'text/csv',
  'text/markdown',
  'text/tab-separated-values',
  'text/yaml',
  'application/json',
  'image/avif',
  'image/bmp',
  'image/gif',
  'image/jpeg',
  'image/png',
  'image/webp',
])
