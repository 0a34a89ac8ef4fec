import { text } from 'node:stream/consumers'
import { afterAll, describe, expect, it } from 'vitest'
import type { JobBackend } from '../../src/job/backend.ts'
import { jobLabel } from '../../src/kubernetes/names.ts'
import { forget, hasEnded, planFor, until } from '../job/backend.conformance.ts'
import { objectKeys, s3Client } from '../support/bucket.ts'
import { clusterUnderTest } from './setup.ts'

describe.each(['baseline', 'restricted'] as const)(
  'a namespace that enforces %s',
  { timeout: 120_000 },
  (level) => {
    const making = clusterUnderTest({ podSecurity: level })
    afterAll(async () => {
      await (await making).close()
    })

    it('runs jobs whose files of mode 0600 are uploaded', async () => {
      const { backend, request, settings } = await making
      const script = 'id -u; umask 077; mkdir "$RESULT_DIRECTORY/d"; echo secret >"$RESULT_DIRECTORY/d/file"'
      const plan = planFor(request(script))
      await backend.create(plan)
      const { observation } = await until(backend, plan.uuid, hasEnded)
      expect(observation.attempt?.worker.exitCode).toBe(0)
      expect(JSON.parse(observation.attempt?.uploader.message ?? '')).toMatchObject({ bytes: 7, errors: 0 })
      expect(await workersLog(backend, plan.uuid)).toBe(level === 'baseline' ? '0\n' : '1000\n')
      const keys = await objectKeys(s3Client(), settings.store.bucket, `jobs/${plan.uuid}/`)
      expect(keys).toContain(`jobs/${plan.uuid}/${observation.attempt?.uid}/manifest.ndjson`)
      await forget(backend, plan.uuid)
    })

    it('runs the worker as the user that was asked for', async () => {
      const { backend, request } = await making
      const plan = planFor(request('id -u; echo x >"$RESULT_DIRECTORY/file"', { run_as_user: 4711 }))
      await backend.create(plan)
      const { observation } = await until(backend, plan.uuid, hasEnded)
      expect(await workersLog(backend, plan.uuid)).toBe('4711\n')
      expect(JSON.parse(observation.attempt?.uploader.message ?? '')).toMatchObject({ count: 1, errors: 0 })
      await forget(backend, plan.uuid)
    })

    it('shows a worker neither token nor credentials, and the pod spec none of the environment', async () => {
      const { api, backend, request, settings } = await making
      const script =
        'env; cat /proc/mounts; find / -xdev -name "*secret*" -o -xdev -name "*token*" | grep -v "^/proc"; true'
      const plan = planFor(request(script, { env: { MINE: 'hunter2' } }))
      await backend.create(plan)
      await until(backend, plan.uuid, hasEnded)
      const log = (await workersLog(backend, plan.uuid)) ?? ''
      expect(log).toContain('MINE=hunter2')
      expect(log).not.toContain(settings.uploaderCredentials.secretKey)
      expect(log).not.toMatch(/serviceaccount|credentials|secret|token|S3_|STOP_TOKEN/i)
      const { items } = await api.pods.list({ labelSelector: `${jobLabel}=${plan.uuid}` })
      expect(JSON.stringify(items)).not.toContain('hunter2')
      await forget(backend, plan.uuid)
    })
  },
)

async function workersLog(backend: JobBackend, uuid: string): Promise<string | undefined> {
  const log = await backend.log(uuid, { container: 'worker' })
  return log && (await text(log.stream))
}
