import { join } from 'node:path'
import { makeDirectoryDurably, writeDurably } from './durable.ts'
import type { LocalStore } from './environment.ts'

/** Puts the store's keys where uploaders read them: in files for their owner alone, in no process's environment. */
export async function writeCredentials(directory: string, store: LocalStore): Promise<void> {
  if (store.kind !== 's3') return
  await makeDirectoryDurably(directory)
  await writeDurably(join(directory, 'access-key'), store.accessKey)
  await writeDurably(join(directory, 'secret-key'), store.secretKey)
}
