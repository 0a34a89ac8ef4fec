import { statfsSync } from 'node:fs'

/** On tmpfs and ramfs, writes through mapped memory never set a file's times. */
export function isMemory(path: string): boolean {
  const { type } = statfsSync(path)
  return type === 0x01021994 || type === 0x858458f6
}
