import { createHash, randomUUID } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { JobBackend, JobPlan, LiveJob, LogOptions } from '../../src/job/backend.ts'
import type { Stop } from '../../src/job/observation.ts'
import type { JobRequest } from '../../src/job/request.ts'
import { eventually } from '../support/eventually.ts'

/** A backend with all that its jobs need: a store that its uploaders reach, a shell for its workers. */
export interface BackendUnderTest {
  /** Started. */
  backend: JobBackend
  /** Closes the backend and starts another one over the same jobs, as a restarted API does; it replaces `backend`. */
  restart(): Promise<JobBackend>
  /** A request whose worker is `sh -c <script>`, with every default filled in and a `stop_grace_seconds` of 3. */
  request(script: string, fields?: Partial<JobRequest>): JobRequest
  /** Closes the backend and removes all that was made. */
  close(): Promise<void>
}

/** What every JobBackend promises (src/job/backend.ts); `make` is called once. */
export function describeBackend(name: string, make: () => Promise<BackendUnderTest>): void {
  describe(`${name} as a job backend`, { timeout: 90_000 }, () => {
    let under: BackendUnderTest
    beforeAll(async () => {
      under = await make()
    }, 120_000)
    afterAll(async () => {
      await under.close()
    }, 120_000)

    describeCreation(() => under)
    describeRunning(() => under)
    describeLog(() => under)
    describeStopping(() => under)
    describeRelease(() => under)
    describeEnvironments(() => under)
    describeRestart(() => under)
  })
}

type Under = () => BackendUnderTest

function describeCreation(under: Under): void {
  it('knows a job as soon as its creation has resolved', async () => {
    const { backend } = under()
    const heard: string[] = []
    onTestFinished(backend.subscribe((uuid) => heard.push(uuid)))
    const plan = planFor(under().request('exit 0', { keep_seconds: 77 }))
    expect(await backend.create(plan)).toEqual({ created: true, requestSha256: plan.requestSha256 })

    const job = backend.get(plan.uuid)
    expect(job).toMatchObject({ uuid: plan.uuid, requestSha256: plan.requestSha256, released: false })
    expect(job?.request.keep_seconds).toBe(77)
    expect(job?.observation).toMatchObject({ suspended: false, failedAttempts: 0 })
    expect(Math.abs((job?.observation.createdAt ?? 0) - Date.now())).toBeLessThan(15_000)
    expect([...backend.list()].map((one) => one.uuid)).toContain(plan.uuid)
    await until(backend, plan.uuid, hasEnded)
    expect(heard).toContain(plan.uuid)
    await forget(backend, plan.uuid)
  })

  it('makes one job of six creations at once and tells the five others what stands', async () => {
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

  it('keeps the names of the environment and none of its values', async () => {
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

  it('starts another attempt where retries are asked for', async () => {
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

  it('passes arguments on as they are', async () => {
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
    const plain = await backend.environments.create({ B: 'plain', C: 'plain', D: 'plain' }, false)
    const secret = await backend.environments.create({ C: 'secret', D: 'secret' }, true)
    const plan = planFor(
      under().request('echo "$A-$B-$C-$D"; test -d "$INPUT_DIRECTORY" && test -d "$RESULT_DIRECTORY"', {
        job_env: { A: 'job', B: 'job', C: 'job', D: 'job' },
        config_map_ref: [plain.id, secret.id],
        env: { D: 'env $(A) $$' },
      }),
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
  it('gives a log whole, by its last lines, and while it grows', async () => {
    const { backend } = under()
    // The pauses keep the order: standard output and error reach the log by pipes of their own.
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

  it('ends a followed log when its reader goes away', async () => {
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

  it('has no log of a job that it does not know', async () => {
    expect(await under().backend.log(randomUUID(), { container: 'worker' })).toBeUndefined()
  })
}

/** It is of the time at which it was written. */
function expectStop({ observation: { stop } }: LiveJob, given: Stop): void {
  expect(stop).toEqual({ ...given, at: expect.any(Number) })
  expect(stop?.at).toBeGreaterThanOrEqual(given.at)
}

function describeStopping(under: Under): void {
  it('ends a worker that ignores SIGTERM within its grace and writes the decision down', async () => {
    const { backend } = under()
    const plan = planFor(under().request('trap "" TERM; while :; do sleep 1; done', { retries: 3 }))
    await backend.create(plan)
    await until(backend, plan.uuid, (job) => workerOf(job)?.startedAt !== undefined)
    const stop = stopAs('canceled')
    const began = Date.now()
    await backend.stop(plan.uuid, stop)
    const stopped = await until(backend, plan.uuid, (job) => job.observation.stop !== undefined)
    expectStop(stopped, stop)
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(Date.now() - began).toBeLessThan(15_000)
    expect(observation.attempt).toMatchObject({ number: 1 })
    expect(observation.attempt?.worker.exitCode).not.toBe(0)
    expect(observation.attempt?.interrupted).toBeUndefined()
    await forget(backend, plan.uuid)
  })

  it('lets the first decision stand, unless the job is to be deleted', async () => {
    const { backend } = under()
    const plan = planFor(under().request('sleep 60'))
    await backend.create(plan)
    const first = stopAs('failed')
    await backend.stop(plan.uuid, first)
    await backend.stop(plan.uuid, stopAs('canceled'))
    const stopped = await until(backend, plan.uuid, (job) => job.observation.stop !== undefined)
    expectStop(stopped, first)
    await backend.stop(plan.uuid, stopAs('deleted'))
    await until(backend, plan.uuid, (job) => job.observation.stop?.outcome === 'deleted')
    await until(backend, plan.uuid, nothingRuns)
    await forget(backend, plan.uuid)
  })

  it('never starts the worker of a job that was stopped at once', async () => {
    const { backend } = under()
    const plan = planFor(under().request('sleep 60'))
    await backend.create(plan)
    await backend.stop(plan.uuid, stopAs('canceled'))
    const { observation } = await until(backend, plan.uuid, nothingRuns)
    expect(observation.attempt?.worker.exitCode).not.toBe(0)
    await forget(backend, plan.uuid)
  })

  it('counts an unknown job as stopped', async () => {
    await expect(under().backend.stop(randomUUID(), stopAs('canceled'))).resolves.toBe(false)
  })
}

function describeRelease(under: Under): void {
  it('keeps a released job known, and removes it when it is released for good', async () => {
    const { backend } = under()
    const plan = planFor(under().request('exit 0'))
    await backend.create(plan)
    await until(backend, plan.uuid, hasEnded)
    await backend.release(plan.uuid, 600)
    await backend.release(plan.uuid, 600)
    await until(backend, plan.uuid, (job) => job.released)
    await forget(backend, plan.uuid)
    expect([...backend.list()].map((job) => job.uuid)).not.toContain(plan.uuid)
    await expect(backend.release(plan.uuid, 0)).resolves.toBeUndefined()
  })

  it('does not let a job go that is to be deleted, until the store has nothing of it', async () => {
    const { backend } = under()
    const plan = planFor(under().request('exit 0'))
    await backend.create(plan)
    await until(backend, plan.uuid, hasEnded)
    await expect(backend.stop(plan.uuid, stopAs('deleted'))).resolves.toBe(true)
    for (const keepSeconds of [600, 0]) {
      await backend.release(plan.uuid, keepSeconds)
      expect(backend.get(plan.uuid)).toMatchObject({ released: false })
    }
    await forget(backend, plan.uuid)
    await expect(backend.stop(plan.uuid, stopAs('deleted'))).resolves.toBe(false)
  })

  it('says of a released job that no end of it is to be waited for', async () => {
    const { backend } = under()
    const plan = planFor(under().request('exit 0'))
    await backend.create(plan)
    await until(backend, plan.uuid, hasEnded)
    await backend.release(plan.uuid, 600)
    await expect(backend.stop(plan.uuid, stopAs('deleted'))).resolves.toBe(false)
    await eventually(() => expect(backend.get(plan.uuid)).toBeUndefined(), { within: 30_000 })
  })

  it("lets a removed job's uuid be used anew", async () => {
    const { backend } = under()
    const plan = planFor(under().request('exit 0'))
    for (const _ of [1, 2]) {
      expect((await backend.create(plan)).created).toBe(true)
      await until(backend, plan.uuid, hasEnded)
      await forget(backend, plan.uuid)
    }
  })
}

function describeEnvironments(under: Under): void {
  it('keeps environments, lists their names alone and removes them', async () => {
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

function describeRestart(under: Under): void {
  it('knows its jobs again after a restart and finishes them once it holds the lease', async () => {
    const plan = planFor(under().request('echo kept'))
    await under().backend.create(plan)
    const before = await until(under().backend, plan.uuid, hasEnded)

    const backend = await under().restart()
    const after = await until(backend, plan.uuid, hasEnded)
    expect(after.request).toEqual(before.request)
    expect(after.requestSha256).toBe(plan.requestSha256)
    expect(after.observation.attempt?.uid).toBe(before.observation.attempt?.uid)
    expect(after.observation.attempt?.worker).toEqual(before.observation.attempt?.worker)
    expect(await backend.create(plan)).toEqual({ created: false, requestSha256: plan.requestSha256 })
    expect(await readLog(backend, plan.uuid)).toBe('kept\n')
    expect(backend.missing()).toEqual([])
    await eventually(() => expect(backend.holdsLease()).toBe(true), { within: 30_000 })
    await forget(backend, plan.uuid)
  })
}

/** A plan with a random uuid. */
export function planFor(request: JobRequest): JobPlan {
  const requestSha256 = createHash('sha256').update(JSON.stringify(request)).digest('hex')
  return { uuid: randomUUID(), request, requestSha256 }
}

/** The job once it is as wanted; rejects after the time with what it is like then. */
export async function until(
  backend: JobBackend,
  uuid: string,
  wanted: (job: LiveJob) => boolean,
  milliseconds = 45_000,
): Promise<LiveJob> {
  const { promise, resolve, reject } = Promise.withResolvers<LiveJob>()
  const look = () => {
    const job = backend.get(uuid)
    if (job !== undefined && wanted(job)) resolve(job)
  }
  const unsubscribe = backend.subscribe((changed) => changed === uuid && look())
  const timer = setTimeout(() => {
    reject(new Error(`not as wanted: ${JSON.stringify(backend.get(uuid)?.observation)}`))
  }, milliseconds)
  try {
    look()
    return await promise
  } finally {
    clearTimeout(timer)
    unsubscribe()
  }
}

/** Releases the job for good and waits until it is gone. */
export async function forget(backend: JobBackend, uuid: string): Promise<void> {
  await backend.discard(uuid)
  await eventually(() => expect(backend.get(uuid)).toBeUndefined(), { within: 30_000 })
}

/** Worker and uploader have ended, and no other attempt follows. */
export function hasEnded({ observation }: LiveJob): boolean {
  return observation.ended !== undefined && observation.attempt?.ended === true
}

export function stopAs(outcome: Stop['outcome']): Stop {
  return { outcome, cause: { reason: 'Canceled', message: `to be ${outcome}` }, at: Date.now() }
}

function nothingRuns({ observation }: LiveJob): boolean {
  return observation.ended !== undefined && observation.attempt?.ended !== false
}

function workerOf(job: LiveJob) {
  return job.observation.attempt?.worker
}

async function readLog(backend: JobBackend, uuid: string, options: Partial<LogOptions> = {}) {
  const log = await backend.log(uuid, { container: 'worker', ...options })
  return log === undefined ? undefined : await text(log.stream)
}

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1
}
