import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { type RunningMinio, startMinio } from './minio.ts'
import { s3Store } from './s3-store.ts'

/**
 * Runs the cases on a new MinIO; each `newStore()` resolves with an
 * empty store, closed after the test.
 */
export function describeOnMinio(cases: (newStore: () => Promise<ArtifactStore>) => void): void {
  describe('on MinIO', () => {
    let minio: RunningMinio
    beforeAll(async () => {
      minio = await startMinio()
    })
    afterAll(() => minio.stop())

    cases(async () => {
      const store = s3Store(minio, `test-${randomUUID()}`, { prefix: 'some/where' })
      await store.prepare()
      onTestFinished(() => store.close())
      return store
    })
  })
}
