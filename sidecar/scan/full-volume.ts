import { statfsSync } from 'node:fs'
import type { FullVolume } from '../../src/artifact/manifest.ts'

const MiB = 1024 * 1024

/**
 * The volume's figures where it has no room left for a file: a program that writes in blocks leaves up to one of them
 * free. Undefined where there is room, or nothing to ask.
 */
export function fullVolume(directory: string): FullVolume | undefined {
  try {
    const { bsize, blocks, bavail, files, ffree } = statfsSync(directory)
    const [size, free] = [blocks * bsize, bavail * bsize]
    const isFull = free < MiB && free < size / 10
    return isFull || (files > 0 && ffree === 0) ? { size, free } : undefined
  } catch {
    return undefined
  }
}
