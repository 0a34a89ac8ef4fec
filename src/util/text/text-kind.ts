export interface TextKind {
  /** False with a control character that no text has. */
  isText: boolean
  /** True if NULs are the only such characters: a log that was truncated while it was written. */
  hasHoles: boolean
  /** `maybe`: an ASCII beginning of a longer text, which any later byte may show to be otherwise. */
  utf8: 'yes' | 'maybe' | 'no'
}

/** What the bytes of a file or of a log are; `isWhole` is false if further bytes follow. */
export function textKind(bytes: Uint8Array, isWhole: boolean): TextKind {
  const [first, second] = bytes
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)
  if (isUtf16) return { isText: true, hasHoles: false, utf8: 'no' }
  const hasNul = bytes.includes(0)
  const isOtherwiseText = !bytes.some((byte) => byte < 0x20 && byte !== 0 && !controlsInTexts.has(byte))
  return {
    isText: isOtherwiseText && !hasNul,
    hasHoles: isOtherwiseText && hasNul,
    utf8: utf8In(bytes, isWhole),
  }
}

/** The parameter of a Content-Type: no charset is claimed that the bytes may not have. */
export function charsetOf(kind: TextKind | undefined): string {
  return kind?.utf8 === 'yes' ? '; charset=utf-8' : ''
}

/**
 * Those of the WHATWG's MIME Sniffing, section 4 (tab, line ends, form feed, escape), with bell and
 * backspace, which programs write for terminals.
 */
const controlsInTexts: ReadonlySet<number> = new Set([0x07, 0x08, 0x09, 0x0a, 0x0c, 0x0d, 0x1b])

/**
 * Texts of other encodings hardly ever contain a valid character of several bytes, so that one
 * such character shows that a beginning is UTF-8.
 */
function utf8In(bytes: Uint8Array, isWhole: boolean): TextKind['utf8'] {
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    // With `stream` a character that is cut at the end is no error.
    const text = decoder.decode(bytes, { stream: !isWhole })
    return isWhole || /[^\0-\x7F]/.test(text) ? 'yes' : 'maybe'
  } catch {
    return 'no'
  }
}
