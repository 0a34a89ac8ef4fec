import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../../..')

/**
 * The indented code blocks below a heading of a document, up to the next heading, without their
 * indentation. Throws if there are none.
 */
export function codeBlocks(document: string, heading: string): string[] {
  const lines = readFileSync(join(root, document), 'utf8').split('\n')
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading)
  if (start === -1) throw new Error(`${document} has no heading ${heading}`)
  const blocks: string[][] = []
  let isCode = false
  for (const line of lines.slice(start + 1)) {
    if (/^#+ /.test(line)) break
    const isBlank = line.trim() === ''
    if (line.startsWith('    ')) {
      if (!isCode) blocks.push([])
      blocks.at(-1)?.push(line.slice(4))
    } else if (isBlank && isCode) blocks.at(-1)?.push('')
    isCode = line.startsWith('    ') || (isBlank && isCode)
  }
  if (blocks.length === 0) throw new Error(`${document} has no code below ${heading}`)
  return blocks.map((block) => `${block.join('\n').trimEnd()}\n`)
}

/** The one block below a heading that begins with, or contains, a text. */
export function codeBlock(document: string, heading: string, text: string): string {
  const found = codeBlocks(document, heading).filter((block) => block.includes(text))
  if (found.length !== 1) throw new Error(`${document}, ${heading}: ${found.length} blocks with ${text}`)
  return found[0] ?? ''
}
