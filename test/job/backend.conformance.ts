import { randomUUID } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type BackendUnderTest, planFor, readLog, stopAs, type Under } from './backend-under-test.ts'
import { describeRelease, describeRestart, describeStopping } from './ending.conformance.ts'
import { forget, hasEnded, until, workerOf } from './live-jobs.ts'
import { describeWaiting } from './waiting.conformance.ts'

/** The contract of every JobBackend (src/job/backend.ts). `make` is called once. */
export function describeBackend(name: string, make: () => Promise<BackendUnderTest>): void {
  describe(`${name} as a job backend`, () => {
    let under: BackendUnderTest
    beforeAll(async () => {
      under = await make()
    })
    afterAll(async () => {
      await under.close()
    })

    describeCreation(() => under)
    describeRunning(() => under)
    describeLog(() => under)
    describeStopping(() => under)
    describeWaiting(() => under)
    describeRelease(() => under)
    describeEnvironments(() => under)
    describeRestart(() => under)
  })
}

function describeCreation(under: Under): void {
  it('knows a job as soon as its creation has resolved', async () => {
    const { backend } = under()
    const notified: string[] = []
    onTestFinished(backend.subscribe((uuid) => notified.push(uuid)))
    const plan = planFor(under().request('exit 0', { keep_seconds: 77 }))
    expect(await backend.create(plan)).toEqual({ created: true, requestSha256: plan.requestSha256 })

    const job = backend.get(plan.uuid)
    expect(job).toMatchObject({ uuid: plan.uuid, requestSha256: plan.requestSha256, released: false })
    expect(job?.request.keep_seconds).toBe(77)
    expect(job?.observation).toMatchObject({ suspended: false, failedAttempts: 0 })
    expect(Math.abs((job?.observation.createdAt ?? 0) - Date.now())).toBeLessThan(15_000)
    expect([...backend.list()].map((one) => one.uuid)).toContain(plan.uuid)
    await until(backend, plan.uuid, hasEnded)
    expect(notified).toContain(plan.uuid)
    await forget(backend, plan.uuid)
  })

  it('makes one job of six concurrent creations, and gives the other five its request hash', async () => {
    const { backend } = under()
    const plan = planFor(under().request('exit 0'))
    const answers = await Promise.all(Array.from({ length: 6 }, () => backend.create(plan)))
    expect(answers.filter((answer) => answer.created)).toHaveLength(1)
    expect(new Set(answers.map((answer) => answer.requestSha256))).toEqual(new Set([plan.requestSha256]))

    const other = { ...plan, request: under().request('exit 1'), requestSha256: 'f'.repeat(64) }
    expect(await backend.create(other)).toEqual({ created: false, requestSha256: plan.requestSha256 })
    expect((await until(backend, plan.uuid, hasEnded)).observation.attempt?.worker.exitCode).toBe(0)
    await forget(backend, plan.uuid)
  })

  it('keeps the names of environment variables, but no values', async () => {
    const { backend } = under()
    const plan = planFor(under().request('exit 0', { env: { TOKEN: 'very-secret-indeed' } }))
    await backend.create(plan)
    const job = backend.get(plan.uuid)
    expect(Object.keys(job?.request.env ?? {})).toEqual(['TOKEN'])
    expect(JSON.stringify(job)).not.toContain('very-secret-indeed')
    await until(backend, plan.uuid, hasEnded)
    await forget(backend, plan.uuid)
  })
}

function describeRunning(under: Under): void {
  it('shows a worker that succeeds from its start to its end', async () => {
    const { backend } = under()
    const plan = planFor(under().request('echo out >"$RESULT_DIRECTORY/file"; sleep 1'))
    await backend.create(plan)
    const running = await until(backend, plan.uuid, (job) => workerOf(job)?.startedAt !== undefined)
    expect(running.observation.attempt).toMatchObject({
      number: 1,
      scheduled: true,
      uploader: { ready: true },
    })

    const { observation } = await until(backend, plan.uuid, hasEnded)
    const attempt = observation.attempt
    expect(attempt?.worker.exitCode).toBe(0)
    expect(attempt?.worker.finishedAt ?? 0).toBeGreaterThanOrEqual(attempt?.worker.startedAt ?? Infinity)
    expect(attempt?.uid).toBe(running.observation.attempt?.uid)
    expect(attempt?.interrupted).toBeUndefined()
    expect(attempt?.uploader.finishedAt).toBeDefined()
    expect(JSON.parse(attempt?.uploader.message ?? 'null')).toMatchObject({ count: 1, bytes: 4, errors: 0 })
    expect(observation).toMatchObject({ failedAttempts: 0 })
    expect(observation.ended).toBeDefined()
    expect(observation.stop).toBeUndefined()
    await forget(backend, plan.uuid)
  })

  it("shows a failing worker's exit code and starts no other attempt", async () => {
    const { backend } = under()
    const plan = planFor(under().request('exit 7'))
    await backend.create(plan)
    const { observation } = await until(
      backend,
      plan.uuid,
      (job) => hasEnded(job) && job.observation.failedAttempts > 0,
    )
    expect(observation.attempt).toMatchObject({ number: 1, worker: { exitCode: 7 }, ended: true })
    expect(observation.failedAttempts).toBe(1)
    await forget(backend, plan.uuid)
  })

  it('starts another attempt if `retries` allows it', async () => {
    const { backend } = under()
    const plan = planFor(under().request('exit 1', { retries: 1 }))
    await backend.create(plan)
    const first = await until(backend, plan.uuid, (job) => job.observation.attempt !== undefined)
    const { observation } = await until(backend, plan.uuid, hasEnded, 60_000)
    expect(observation.attempt?.number).toBe(2)
    expect(observation.attempt?.uid).not.toBe(first.observation.attempt?.uid)
    expect(observation.failedAttempts).toBe(2)
    await forget(backend, plan.uuid)
  })

  it('passes arguments on unchanged', async () => {
    const { backend } = under()
    const request = under().request('printf "%s\\n" "$@"')
    const args = [...(request.args ?? []), 'sh', '$(HOME)', '$$', '$PATH', 'two words', '%s "\'', '']
    const plan = planFor({ ...request, args })
    await backend.create(plan)
    await until(backend, plan.uuid, hasEnded)
    expect(await readLog(backend, plan.uuid)).toBe('$(HOME)\n$$\n$PATH\ntwo words\n%s "\'\n\n')
    await forget(backend, plan.uuid)
  })

  it('lets config_map_ref override the configured environment, and the caller override both', async () => {
    const { backend } = under()
    const plain = await backend.environments.create(
      { B: 'plain', C: 'plain', D: 'plain', JOBFERRY_DIRECTORY: '/nowhere' },
      false,
    )
    const secret = await backend.environments.create({ C: 'secret', D: 'secret' }, true)
    const plan = planFor(
      under().request(
        'echo "$A-$B-$C-$D"; cd "$INPUT_DIRECTORY" && cd "$RESULT_DIRECTORY" && cd "$JOBFERRY_DIRECTORY"',
        {
          job_env: { A: 'job', B: 'job', C: 'job', D: 'job' },
          config_map_ref: [plain.id, secret.id],
          env: { D: 'env $(A) $$' },
        },
      ),
    )
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(observation.attempt?.worker.exitCode).toBe(0)
    expect(await readLog(backend, plan.uuid)).toBe('job-plain-secret-env $(A) $$\n')
    await forget(backend, plan.uuid)
    await backend.environments.remove(plain.id)
    await backend.environments.remove(secret.id)
  })
}

function describeLog(under: Under): void {
  it('gives the complete log, its last lines, and a log that still grows', async () => {
    const { backend } = under()
    // The pauses keep the order: standard output and error reach the log by separate pipes.
    const plan = planFor(under().request('echo one; sleep 1; echo two >&2; sleep 1; echo three'))
    await backend.create(plan)
    await until(backend, plan.uuid, (job) => workerOf(job)?.startedAt !== undefined)
    expect(await readLog(backend, plan.uuid, { follow: true })).toBe('one\ntwo\nthree\n')
    await until(backend, plan.uuid, hasEnded)
    expect(await readLog(backend, plan.uuid)).toBe('one\ntwo\nthree\n')
    expect(await readLog(backend, plan.uuid, { tail: 1 })).toBe('three\n')
    expect((await backend.log(plan.uuid, { container: 'worker' }))?.fromBeginning).not.toBe(false)
    await forget(backend, plan.uuid)
  })

  it('gives the log of an attempt by its number: of the one that runs and of those before it', async () => {
    const { backend } = under()
    const plan = planFor(under().request('cat /proc/sys/kernel/random/uuid; sleep 1; exit 1', { retries: 1 }))
    await backend.create(plan)
    await until(backend, plan.uuid, (job) => workerOf(job)?.startedAt !== undefined)
    const first = await readLog(backend, plan.uuid, { attempt: 1, follow: true })
    expect(first).toMatch(/^[0-9a-f-]{36}\n$/)
    await until(backend, plan.uuid, hasEnded, 60_000)
    expect(await readLog(backend, plan.uuid, { attempt: 1 })).toBe(first)
    const second = await readLog(backend, plan.uuid, { attempt: 2 })
    expect(second).toMatch(/^[0-9a-f-]{36}\n$/)
    expect(second).not.toBe(first)
    expect(await readLog(backend, plan.uuid)).toBe(second)
    expect(await readLog(backend, plan.uuid, { attempt: 3 })).toBeUndefined()
    await forget(backend, plan.uuid)
  })

  it("ends a followed log when its reader's signal is aborted", async () => {
    const { backend } = under()
    const plan = planFor(under().request('echo one; sleep 60'))
    await backend.create(plan)
    await until(backend, plan.uuid, (job) => workerOf(job)?.startedAt !== undefined)
    const leaving = new AbortController()
    const log = await backend.log(plan.uuid, { container: 'worker', follow: true, signal: leaving.signal })
    const reading = log && text(log.stream)
    setTimeout(() => leaving.abort(), 200)
    await expect(reading).rejects.toThrow()
    await backend.stop(plan.uuid, stopAs('deleted'))
    await until(backend, plan.uuid, hasEnded)
    await forget(backend, plan.uuid)
  })

  it('has no log of an unknown job', async () => {
    expect(await under().backend.log(randomUUID(), { container: 'worker' })).toBeUndefined()
  })
}

function describeEnvironments(under: Under): void {
  it('keeps environments, lists them without values, and removes them', async () => {
    const { environments } = under().backend
    const plain = await environments.create({ B: 'value-of-b', A: '' }, false)
    const secret = await environments.create({ TOKEN: 'value-of-token' }, true)
    expect(plain).toMatchObject({ id: expect.stringMatching(/^env-/), secret: false, names: ['A', 'B'] })
    const listed = await environments.list()
    expect(listed.filter(({ id }) => id === plain.id || id === secret.id).toSorted(byId)).toEqual(
      [plain, secret].toSorted(byId),
    )
    expect(listed).toEqual(listed.toSorted(byId))
    expect(JSON.stringify(listed)).not.toContain('value-of')
    expect(await environments.remove(plain.id)).toBe(true)
    expect(await environments.remove(plain.id)).toBe(false)
    expect(await environments.remove(secret.id)).toBe(true)
    expect(await environments.remove('env-of-nobody')).toBe(false)
    expect((await environments.list()).map(({ id }) => id)).not.toContain(secret.id)
  })
}

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1
}
