import { text } from 'node:stream/consumers'
import { afterAll, describe, expect, it } from 'vitest'
import { jobLabel } from '../../../src/backends/kubernetes/names.ts'
import type { JobBackend } from '../../../src/job/backend.ts'
import { planFor } from '../../job/backend-under-test.ts'
import { forget, hasEnded, until } from '../../job/live-jobs.ts'
import { objectKeys, s3Client } from '../../support/store/bucket.ts'
import { clusterUnderTest } from './setup.ts'

describe.each(['baseline', 'restricted'] as const)('a namespace that enforces %s', (level) => {
  const making = clusterUnderTest({ podSecurity: level })
  afterAll(async () => {
    await (await making).close()
  })

  it('uploads files of mode 0600', async () => {
    const { backend, request, bucket } = await making
    const script = 'id -u; umask 077; mkdir "$RESULT_DIRECTORY/d"; echo secret >"$RESULT_DIRECTORY/d/file"'
    const plan = planFor(request(script))
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(observation.attempt?.worker.exitCode).toBe(0)
    expect(JSON.parse(observation.attempt?.uploader.message ?? '')).toMatchObject({ bytes: 7, errors: 0 })
    expect(await workersLog(backend, plan.uuid)).toBe(level === 'baseline' ? '0\n' : '1000\n')
    const keys = await objectKeys(s3Client(), bucket, `jobs/${plan.uuid}/`)
    expect(keys).toContain(`jobs/${plan.uuid}/${observation.attempt?.uid}/manifest.ndjson`)
    await forget(backend, plan.uuid)
  })

  it('runs the worker as run_as_user', async () => {
    const { backend, request } = await making
    const plan = planFor(request('id -u; echo x >"$RESULT_DIRECTORY/file"', { run_as_user: 4711 }))
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(await workersLog(backend, plan.uuid)).toBe('4711\n')
    expect(JSON.parse(observation.attempt?.uploader.message ?? '')).toMatchObject({ count: 1, errors: 0 })
    await forget(backend, plan.uuid)
  })

  it('lets no worker make a user namespace, a raw socket or a device, and no setuid program gain rights', async () => {
    const { backend, request } = await making
    const script = [
      'id -u',
      'for i in -U -r "-U -n" -m -p; do unshare $i true 2>/dev/null && echo "unshare $i"; done',
      'mknod /tmp/null c 1 3 2>/dev/null && echo mknod',
      'grep -E "^(Seccomp|NoNewPrivs|CapBnd):" /proc/self/status | tr -d "\\t"',
    ].join('\n')
    const plan = planFor(request(script, level === 'baseline' ? { run_as_user: 0 } : {}))
    await backend.create(plan)
    await until(backend, plan.uuid, hasEnded)
    const [user, ...lines] = ((await workersLog(backend, plan.uuid)) ?? '').trimEnd().split('\n')
    const bounding = BigInt(`0x${lines.find((line) => line.startsWith('CapBnd:'))?.slice(7)}`)
    expect(lines.filter((line) => !line.startsWith('CapBnd:'))).toEqual(['NoNewPrivs:1', 'Seccomp:2'])
    if (level === 'restricted') expect([user, bounding]).toEqual(['1000', 0n])
    else {
      expect(user).toBe('0')
      const has = (capability: bigint) => ((bounding >> capability) & 1n) === 1n
      // NET_RAW, SYS_ADMIN, MKNOD, AUDIT_WRITE of capabilities(7).
      expect([13n, 21n, 27n, 29n].filter(has)).toEqual([])
      // CHOWN, DAC_OVERRIDE, SETGID, SETUID: package managers and entrypoints go on.
      expect([0n, 1n, 6n, 7n].filter(has)).toHaveLength(4)
    }
    await forget(backend, plan.uuid)
  })

  it('gives a worker neither token nor credentials, and the pod spec no value of the environment', async () => {
    const { api, backend, request, settings } = await making
    const script =
      'env; cat /proc/mounts; find / -xdev -name "*secret*" -o -xdev -name "*token*" | grep -v "^/proc"; true'
    const plan = planFor(request(script, { env: { MINE: 'hunter2' } }))
    await backend.create(plan)
    await until(backend, plan.uuid, hasEnded)
    const log = (await workersLog(backend, plan.uuid)) ?? ''
    expect(log).toContain('MINE=hunter2')
    expect(log).not.toContain(settings.store.credentialFiles['secret-key'])
    expect(log).not.toMatch(/serviceaccount|credentials|secret|token|S3_|STOP_TOKEN/i)
    const { items } = await api.pods.list({ labelSelector: `${jobLabel}=${plan.uuid}` })
    expect(JSON.stringify(items)).not.toContain('hunter2')
    await forget(backend, plan.uuid)
  })
})

async function workersLog(backend: JobBackend, uuid: string): Promise<string | undefined> {
  const log = await backend.log(uuid, { container: 'worker' })
  return log && (await text(log.stream))
}
