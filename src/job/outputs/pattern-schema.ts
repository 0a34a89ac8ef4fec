import * as z from 'zod'

const maxPatterns = 50
const maxPatternBytes = 256

const pattern = z
  .string('a pattern as in .gitignore, like "*.csv" or "data/"')
  .refine(
    (text) => text !== '' && Buffer.byteLength(text) <= maxPatternBytes,
    `a pattern of 1 to ${maxPatternBytes} bytes`,
  )
  .refine((text) => !/^[!#]/.test(text), {
    error: 'a pattern without "!" or "#" at its beginning; a backslash before it makes it a name\'s',
  })
  .refine((text) => hasSoundParts(text), {
    error: 'a pattern whose parts between slashes are not empty, "." or ".."',
  })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are refused
  .refine((text) => !/[\u0000-\u001f\u007f]|(?<!\\)(?:\\\\)*\\$/.test(text), {
    error: 'a pattern without control characters, and without a single backslash at its end',
  })

export const patterns = z
  .array(pattern, 'a list of patterns as in .gitignore')
  .min(1, 'at least one pattern, or no such list')
  .max(maxPatterns, `at most ${maxPatterns} patterns`)

/** A slash at the beginning or the end has a meaning. */
function hasSoundParts(text: string): boolean {
  const parts = text.replace(/^\//, '').replace(/\/$/, '').split('/')
  return parts.every((part) => part !== '' && part !== '.' && part !== '..')
}
