import { decodeUtf8 } from './entry.ts'

/** Bytes for messages: a JSON string, percent-encoded if they are not UTF-8. */
export function quotedBytes(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes)
  if (text !== undefined) return JSON.stringify(text)
  const percent = (c: string) => `%${c.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`
  return JSON.stringify(
    Buffer.from(bytes)
      .toString('latin1')
      .replace(/[^\x20-\x7e]|%/g, percent),
  )
}

/** As shown(), for a manifest's head, whose reader expects it within its first 4 KiB. */
export function shownShort(bytes: Uint8Array): string {
  return cut(quotedBytes(bytes), longestShown)
}

/** At most that many characters, with an ellipsis for the rest. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`
}

const longestShown = 100
