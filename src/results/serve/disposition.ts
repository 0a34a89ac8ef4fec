import { create } from 'content-disposition'

/** The sender of a file: this API adds a sandbox (Content-Security-Policy), the store does not. */
export type ShownBy = 'api' | 'store'

/**
 * The Content-Disposition of a file: browsers show text and images and save all other types. SVG is
 * shown only in the sandbox. HTML is never shown, as it would be a foreign page at this API's
 * origin, and PDF neither, as browsers don't show it in a sandbox.
 */
export function dispositionOf(name: string, type: string, shownBy: ShownBy): string {
  const essence = type.replace(/;.*$/s, '')
  const isShown = safe.has(essence) || (shownBy === 'api' && essence === 'image/svg+xml')
  return create(name.replaceAll('\uFFFD', '_'), { type: isShown ? 'inline' : 'attachment' })
}

/** Types without content that a browser would execute. */
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
