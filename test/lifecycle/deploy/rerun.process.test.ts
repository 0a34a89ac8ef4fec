import { createHash, randomUUID } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Answer, call, deployForm, deployJson } from '../../http/client.ts'
import { type RunningApi, startApi } from '../../http/running.ts'

const sha256 = (bytes: string) => createHash('sha256').update(bytes).digest('hex')
const tokens = { alice: 'correct-horse', bob: 'battery-staple' }
const copy = 'cp -r "$INPUT_DIRECTORY"/. "$RESULT_DIRECTORY"/; env >"$RESULT_DIRECTORY/env"; exit $CODE'
const copying = `command: [sh, -ec, ${JSON.stringify(copy)}]\nenv: {A: configured, CODE: "0"}\n`
const fixedInputs = '{content: fixed, to: a}, {from: "upload:fixed", to: b}'
let api: RunningApi

beforeAll(async () => {
  const listed = Object.entries(tokens).map(([name, token]) => `${name}:${sha256(token)}`)
  api = await startApi(
    { copy: copying, fixed: `${copying}inputs: [${fixedInputs}]\nlocked: [inputs]\n` },
    { LOCAL_ALLOW_COMMANDS: '1', API_TOKENS: listed.join('\n') },
  )
})
afterAll(() => api?.close())

it('a failed job runs again with the same inputs, byte for byte, and with what is overridden', async () => {
  const request = {
    job: 'copy',
    name: 'first',
    inputs: [{ content: 'text\n', to: 'deep/text' }],
    env: { CODE: '3' },
  }
  const parts = [{ name: 'request', content: JSON.stringify(request) }, inputPart('file', 'bytes\n')]
  const failed = await finished(await ask(deployForm(...parts)))
  expect(failed).toMatchObject({ state: 'failed', exit_code: 3 })
  const again = await rerun(failed.job_uuid, { env: { CODE: '0', B: 'sent' }, keep_seconds: 5 })
  expect(again.json()).toMatchObject({ rerun_of: failed.job_uuid })
  const job = await finished(again)
  expect(job).toMatchObject({ state: 'succeeded', job: 'copy', name: 'first', rerun_of: failed.job_uuid })
  expect(job.job_uuid).not.toBe(failed.job_uuid)
  expect(await fileOf(job.job_uuid, 'file')).toBe('bytes\n')
  expect(await fileOf(job.job_uuid, 'deep/text')).toBe('text\n')
  expect(await fileOf(job.job_uuid, 'env')).toMatch(/^A=configured$/m)
  expect(await fileOf(job.job_uuid, 'env')).toMatch(/^B=sent$/m)
  // Its own inputs: the first job may go.
  await ask({ method: 'DELETE', path: `/job/${failed.job_uuid}` })
  expect(await finished(await rerun(job.job_uuid, { env: { CODE: '0', B: '' } }))).toMatchObject({
    state: 'succeeded',
    rerun_of: job.job_uuid,
  })
  expect((await rerun(failed.job_uuid)).status).toBe(404)
})

it('a variable’s value is not kept: 409 names those that have to be sent anew', async () => {
  const job = await finished(await ask(deployJson({ job: 'copy', env: { TOKEN: 'secret', B: 'x' } })))
  expect((await rerun(job.job_uuid, { env: { B: 'y' } })).json()).toMatchObject({
    ...{ status: 409, type: 'urn:jobferry:error:environment-gone' },
    errors: [{ field: 'env.TOKEN' }],
  })
})

it('inputs that were changed or removed are refused, and other ones are taken', async () => {
  const { job_uuid: uuid } = await finished(
    await ask(deployForm({ name: 'request', content: '{"job": "copy"}' }, inputPart('file', 'bytes\n'))),
  )
  const [file = ''] = (await api.stored()).filter((path) => path.includes(`${uuid}/input/`))
  expect(await readFile(file, 'utf8')).toBe('bytes\n')
  await writeFile(file, 'other\n')
  expect((await rerun(uuid)).json()).toMatchObject({ status: 409, type: 'urn:jobferry:error:inputs-changed' })
  await rm(file)
  const gone = await rerun(uuid)
  expect(gone.json()).toMatchObject({ status: 409, type: 'urn:jobferry:error:inputs-gone' })
  expect(String(gone.body)).toContain('file')
  const job = await finished(await rerun(uuid, { inputs: [{ content: 'new', to: 'new' }] }))
  expect(await fileOf(job.job_uuid, 'new')).toBe('new')
  const stored = await api.stored()
  expect(new Set(stored.flatMap((path) => /jobs\/([^/]+)\/input/.exec(path)?.[1] ?? []))).toContain(
    job.job_uuid,
  )
})

it('a result that was an input is asked for again, and one that is gone is refused', async () => {
  const before = await finished(await ask(deployJson({ job: 'copy', inputs: [{ content: 'a', to: 'a' }] })))
  const inputs = [{ from: `job:${before.job_uuid}/a`, to: 'b' }]
  const job = await finished(await ask(deployJson({ job: 'copy', inputs })))
  const again = await finished(await rerun(job.job_uuid))
  expect(again).toMatchObject({ state: 'succeeded', inputs: [{ to: 'b', sha256: sha256('a') }] })
  await ask({ method: 'DELETE', path: `/job/${before.job_uuid}` })
  expect((await rerun(job.job_uuid)).json()).toMatchObject({
    ...{ status: 409, type: 'urn:jobferry:error:inputs-gone' },
    errors: [{ field: 'inputs[0].from' }],
  })
})

it('an upload is the version that the job had, also if the job ended before it was fetched', async () => {
  const put = (body: string) => ask({ method: 'PUT', path: '/upload/x', body })
  await put('one')
  const failed = await finished(await ask(deployJson({ job: 'copy', env: { CODE: '3' } })))
  const depends_on = [{ job_uuid: failed.job_uuid }]
  const inputs = [{ from: 'upload:x', optional: true }]
  const job = await finished(await ask(deployJson({ job: 'copy', depends_on, inputs })))
  expect(job).toMatchObject({ state: 'failed', reason: 'DependencyFailed' })
  expect(job).not.toHaveProperty('inputs')
  await put('two')
  expect((await rerun(job.job_uuid, { depends_on: [] })).json()).toMatchObject({
    ...{ status: 409, type: 'urn:jobferry:error:inputs-changed' },
    errors: [{ field: 'inputs[0].sha256' }],
  })
  await ask({ method: 'DELETE', path: '/upload/x' })
  expect((await rerun(job.job_uuid, { depends_on: [] })).json()).toMatchObject({
    ...{ status: 409, type: 'urn:jobferry:error:inputs-gone' },
    errors: [{ field: 'inputs[0].from' }],
  })
  await put('one')
  const again = await finished(await rerun(job.job_uuid, { depends_on: [] }))
  expect(again).toMatchObject({ state: 'succeeded', inputs: [{ to: 'x', sha256: sha256('one') }] })
})

it('a configured job that locks its inputs runs again with them, and with no others', async () => {
  await ask({ method: 'PUT', path: '/upload/fixed', body: 'kept' })
  const first = await finished(await ask(deployJson({ job: 'fixed' })))
  const again = await finished(await rerun(first.job_uuid))
  expect(again).toMatchObject({ state: 'succeeded', inputs: [{ to: 'b', sha256: sha256('kept') }] })
  expect(await fileOf(again.job_uuid, 'a')).toBe('fixed')
  expect((await rerun(first.job_uuid, { inputs: [{ content: 'x', to: 'a' }] })).json()).toMatchObject({
    ...{ status: 403, errors: [{ field: 'inputs' }] },
  })
})

it('one Idempotency-Key makes one job of repeated reruns, and belongs to that job’s rerun alone', async () => {
  const [one, other] = [
    await finished(await ask(deployJson({ job: 'copy' }))),
    await finished(await ask(deployJson({ job: 'copy' }))),
  ]
  const key = { 'Idempotency-Key': randomUUID() }
  const uuids = await Promise.all(
    [1, 2, 3].map(async () => (await finished(await rerun(one.job_uuid, {}, key))).job_uuid),
  )
  expect(new Set(uuids).size).toBe(1)
  expect((await rerun(other.job_uuid, {}, key)).status).toBe(422)
})

it.each<[string, object, string]>([
  ['an unknown field', { imagee: 'x' }, 'imagee'],
  ['a wrong value', { timeout_seconds: 0 }, 'timeout_seconds'],
  ['another configured job', { job: 'default' }, 'job'],
  ['a job that is not there', { depends_on: [{ job_uuid: randomUUID() }] }, 'depends_on[0].job_uuid'],
])('%s among the overriding fields is refused', async (_, overrides, field) => {
  const job = await finished(await ask(deployJson({ job: 'copy' })))
  expect((await rerun(job.job_uuid, overrides)).json()).toMatchObject({ status: 400, errors: [{ field }] })
})

it('a job of another caller is 403, one that is not there is 404; a body of another type is 415', async () => {
  const job = await finished(await ask(deployJson({ job: 'copy' })))
  expect((await rerun(job.job_uuid, {}, {}, 'bob')).status).toBe(403)
  expect((await rerun(randomUUID())).status).toBe(404)
  const text = { 'content-type': 'text/plain' }
  expect((await rerun(job.job_uuid, {}, text)).status).toBe(415)
  const unknown = await ask({ method: 'POST', path: `/job/${job.job_uuid}/rerun?form=failed` })
  expect(unknown.json()).toMatchObject({ status: 400, errors: [{ field: 'form' }] })
  const misplaced = await ask({ method: 'POST', path: `/job/${job.job_uuid}/rerun?memory=8Gi` })
  const inBody = {
    field: 'memory',
    problem: 'does not belong into the query',
    expected: 'a JSON body with this field',
  }
  expect(misplaced.json()).toMatchObject({ status: 400, errors: [inBody] })
})

interface Ended {
  job_uuid: string
  state: string
}

/** The job of an answer to a deployment once it has ended. */
async function finished(answer: Answer): Promise<Ended> {
  if (answer.status !== 201) throw new Error(String(answer.body))
  const { job_uuid } = answer.json() as Ended
  return (await ask({ path: `/job/${job_uuid}?wait=50` })).json() as Ended
}

function rerun(
  uuid: string,
  overrides?: object,
  headers: Record<string, string> = {},
  name: keyof typeof tokens = 'alice',
): Promise<Answer> {
  const body = overrides && JSON.stringify(overrides)
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
  return ask({ method: 'POST', path: `/job/${uuid}/rerun`, headers: { ...type, ...headers }, body }, name)
}

function ask(request: Parameters<typeof call>[1], name: keyof typeof tokens = 'alice'): Promise<Answer> {
  return call(api.url, {
    ...request,
    headers: { ...request.headers, authorization: `Bearer ${tokens[name]}` },
  })
}

function inputPart(filename: string, content: string) {
  return { name: 'input', filename, content }
}

async function fileOf(uuid: string, path: string): Promise<string> {
  const answer = await ask({ path: `/job/${uuid}/result?file=${encodeURIComponent(path)}` })
  expect(answer.status).toBe(200)
  return String(answer.body)
}
