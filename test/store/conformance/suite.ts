import { expect } from 'vitest'
import type { ArtifactStore, StoreErrorKind } from '../../../src/store/store.ts'
import { defined } from '../../../src/util/objects.ts'

/** The store and the folders that the parts of the conformance suite share. */
export interface Suite {
  /** The store under test; throws before the first test. */
  readonly store: ArtifactStore
  /** A new key prefix, ending in `/`, for one test. */
  folder(): string
}

export async function keysOf(store: ArtifactStore, prefix: string, after?: string): Promise<string[]> {
  const listed = await collect(store.list(prefix, defined({ after })))
  return listed.map(({ key }) => key)
}

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of source) items.push(item)
  return items
}

export async function expectKind(promise: Promise<unknown>, kind: StoreErrorKind): Promise<void> {
  await expect(promise).rejects.toMatchObject({ name: 'StoreError', kind })
}

export function sorted(keys: readonly string[]): string[] {
  return [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

export function partOf(text: string) {
  return { number: 1, etag: '0'.repeat(32), crc32: 'AAAAAA==', size: text.length }
}

export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const rest = items.values()
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (const item of rest) await work(item)
    }),
  )
}
