import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoreForUploaders } from '../../../store/store-factory.ts'
import { makeDirectoryDurably, writeDurably } from './durable-files.ts'

/**
 * Writes the store's keys to files that only their owner can read: environments of processes show
 * in /proc.
 */
export async function writeCredentials(
  directory: string,
  { credentialFiles }: StoreForUploaders,
): Promise<void> {
  const files = Object.entries(credentialFiles)
  if (files.length === 0) return
  await makeDirectoryDurably(directory)
  for (const [name, content] of files) {
    const path = join(directory, name)
    // A start on a full disk has to succeed: jobs are deleted after it.
    const isWritten = (await readFile(path, 'utf8').catch(() => undefined)) === content
    if (!isWritten) await writeDurably(path, content)
  }
}
