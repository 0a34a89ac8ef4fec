import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The open multipart uploads of a MinIO, read from its folder: its API lists them for an exact key
 * only.
 */
export async function openUploads(folder: string): Promise<string[]> {
  const names = await readdir(join(folder, '.minio.sys/multipart'), { recursive: true }).catch(() => [])
  return names.filter((name) => name.endsWith('xl.meta'))
}
