/** The folder of a download that holds its list and its unfinished files. */
export const ownFolder = '.jobferry'

/** Devices of Windows, whatever their ending. */
const devices = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i

export interface NameRules {
  /** Names that Windows can't have are changed, too. */
  windows: boolean
}

/**
 * The names of a path within a folder, none of which leads out of it: `..`, `.`, empty names (of
 * absolute paths), NUL and the download's own folder are percent-encoded. All other bytes stay.
 */
export function safeNames(path: Uint8Array, rules: NameRules): Buffer[] {
  return splitAt(Buffer.from(path), 0x2f).map((name, index) => safeName(name, index, rules))
}

function safeName(name: Buffer, index: number, { windows }: NameRules): Buffer {
  if (name.length === 0) return Buffer.from('%2F')
  const text = name.toString('latin1')
  if (text === '.' || text === '..') return encoded(name, /\./)
  if (index === 0 && text.toLowerCase() === ownFolder)
    return Buffer.concat([Buffer.from('%2E'), name.subarray(1)])
  if (text.includes('\0')) return encoded(name, /\0/)
  if (!windows) return name
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Windows has no names with them
  const allowed = encoded(name, /[\u0000-\u001f<>:"\\|?*]/)
  const last = allowed.at(-1)
  if (last === 0x2e || last === 0x20) return Buffer.concat([allowed.subarray(0, -1), escapeOf(last)])
  const [first = 0] = allowed
  return devices.test(text) ? Buffer.concat([escapeOf(first), allowed.subarray(1)]) : allowed
}

function encoded(name: Buffer, bytes: RegExp): Buffer {
  const parts = Array.from(name, (byte) => {
    return bytes.test(String.fromCharCode(byte)) ? escapeOf(byte) : Buffer.of(byte)
  })
  return Buffer.concat(parts)
}

function escapeOf(byte: number): Buffer {
  return Buffer.from(`%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
}

function splitAt(bytes: Buffer, separator: number): Buffer[] {
  const parts = []
  let start = 0
  for (let at = bytes.indexOf(separator); at !== -1; at = bytes.indexOf(separator, start)) {
    parts.push(bytes.subarray(start, at))
    start = at + 1
  }
  return [...parts, bytes.subarray(start)]
}

/** The names as one path, which is text if it is UTF-8. */
export function joined(names: readonly Uint8Array[]): Buffer {
  return Buffer.concat(names.flatMap((name, index) => (index === 0 ? [name] : [Buffer.from('/'), name])))
}
