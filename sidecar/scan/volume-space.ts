import { statfsSync } from 'node:fs'
import type { FullVolume } from '../../src/result-format/manifest/manifest.ts'

const MiB = 1024 * 1024

/**
 * Size and free space of a volume that is full, undefined otherwise. A program that writes in
 * blocks leaves up to one block free.
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
