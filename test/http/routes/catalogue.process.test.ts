import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, deployJson } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'

const greet = `
title: A greeting
description: Greets somebody
command: [node, --eval]
args:
  - |
    const { writeFileSync } = require('node:fs')
    const { RESULT_DIRECTORY, NAME, SECRET, FAILS } = process.env
    writeFileSync(RESULT_DIRECTORY + '/hello.txt', JSON.stringify([NAME, process.argv[1], SECRET]))
    process.exit(FAILS === 'true' ? 1 : 0)
  - "{times}"
env: {SECRET: s3cret}
parameters:
  name: {type: string, pattern: "[A-Za-z $;]+", required: true, env: NAME}
  times: {type: integer, minimum: 1, default: 1}
  fails: {type: boolean, env: FAILS}
locked: [retries]
outputs: {required: [hello.txt]}
`
const plain = 'command: [node, --eval, ""]\nenv: {COLOUR: red}\n'

let api: RunningApi

beforeAll(async () => {
  api = await startApi({ greet, plain })
})

afterAll(() => api?.close())

describe('the catalogue', () => {
  it('lists the configured jobs, with their parameters as JSON Schema has them', async () => {
    const { status, body } = await json('/catalog')
    expect(status).toBe(200)
    const [first, second] = (body as { jobs: { name: string }[] }).jobs
    expect(first).toEqual({
      name: 'greet',
      title: 'A greeting',
      description: 'Greets somebody',
      parameters: {
        name: { type: 'string', pattern: '^(?:[A-Za-z $;]+)$', required: true },
        times: { type: 'integer', minimum: 1, default: 1, required: false },
        fails: { type: 'boolean', required: false },
      },
      locked: ['retries'],
      links: {
        self: '/catalog/greet',
        deploy: '/job/deploy?job=greet',
        latest_result: '/catalog/greet/latest/result',
      },
    })
    expect(second).toMatchObject({ name: 'plain', title: null, parameters: {}, locked: [] })
  })

  it('shows one of them with the names of its variables, and no value', async () => {
    const { body } = await json('/catalog/greet')
    expect(body).toMatchObject({
      schema: { type: 'object', required: ['name'], additionalProperties: false },
      variables: ['SECRET'],
      image: null,
      steps: [],
      outputs: { required: ['hello.txt'] },
    })
    expect(JSON.stringify(body)).not.toContain('s3cret')
  })

  it('names the nearest job of a name that there is not', async () => {
    const { status, body } = await json('/catalog/great/latest/result')
    expect(status).toBe(404)
    expect(body).toMatchObject({ detail: expect.stringContaining('greet (one of greet, plain)') })
  })
})

describe('a dry run', () => {
  it('answers the merged request without its secrets, and makes nothing', async () => {
    const before = await api.stored()
    const jobs = await json('/job')
    const request = deployJson({ job: 'greet', parameters: { name: 'Ann' }, cpu: '1' })
    const answer = await call(api.url, { ...request, path: '/job/deploy?dry_run=true' })
    expect(answer.status).toBe(200)
    expect(answer.json()).toMatchObject({
      dry_run: true,
      request: {
        job: 'greet',
        args: [expect.any(String), '1'],
        env: { SECRET: '(hidden)', NAME: '(hidden)' },
        parameters: { name: 'Ann', times: 1 },
        retries: 0,
      },
      manifest: null,
      ignored: ['cpu'],
    })
    const byQuery = await json('/job/deploy?job=greet&parameters.name=Ann&dry_run=true')
    expect(byQuery.body).toMatchObject({ dry_run: true, request: { parameters: { name: 'Ann' } } })
    const form = new FormData()
    form.set('request', JSON.stringify({ job: 'greet', parameters: { name: 'Ann' } }))
    form.append('input', new Blob(['a file']), 'a.txt')
    const posted = await fetch(`${api.url}/job/deploy?dry_run=true`, { method: 'POST', body: form })
    expect([posted.status, await posted.json()]).toMatchObject([200, { dry_run: true }])
    expect(await json('/job')).toEqual(jobs)
    expect(await api.stored()).toEqual(before)
  })

  it('is refused as the deployment would be', async () => {
    const request = deployJson({ job: 'greet', parameters: { name: '9' } })
    const refused = await call(api.url, { ...request, path: '/job/deploy?dry_run=true' })
    expect([refused.status, refused.json()]).toMatchObject([400, { errors: [{ field: 'parameters.name' }] }])
    const source = { from: 'job:0b8f8c62-3f5e-4a53-9a37-1c1c0b9a2f11/x' }
    const sourced = deployJson({ job: 'greet', parameters: { name: 'A' }, inputs: [source] })
    const missing = await call(api.url, { ...sourced, path: '/job/deploy?dry_run=true' })
    expect([missing.status, missing.json()]).toMatchObject([400, { errors: [{ field: 'inputs[0].from' }] }])
  })
})

describe('a job that is deployed with parameters', () => {
  it('has their values as variable and argument, and gives its result as the latest', async () => {
    const before = await json('/catalog/greet/latest/result?file=hello.txt')
    expect(before.status).toBe(404)
    expect(before.body).toMatchObject({ detail: expect.stringContaining('GET /job/deploy?job=greet') })

    const query = 'job=greet&wait=50&parameters.times=3&parameters.name=%24(id)%3B%20x'
    expect((await json(`/job/deploy?${query.replace('(id)', 'id')}`)).body).toMatchObject({
      state: 'succeeded',
    })
    expect(await latest()).toEqual(['$id; x', '3', 's3cret'])
    const range = await call(api.url, {
      path: '/catalog/greet/latest/result?file=hello.txt',
      headers: { range: 'bytes=0-4' },
    })
    expect([range.status, range.body.toString()]).toEqual([206, '["$id'])
    const named = await call(api.url, { path: String(range.headers['content-location']) })
    expect([named.status, named.headers.etag]).toEqual([200, range.headers.etag])
    const archive = await call(api.url, { path: '/catalog/greet/latest/result?format=zip' })
    expect([archive.status, archive.headers['content-type']]).toEqual([200, 'application/zip'])
  })

  it('keeps them in a rerun, which may give others, and is no latest one when it fails', async () => {
    const first = await deployed({ name: 'Ann', times: '2' })
    expect(first).toMatchObject({ state: 'succeeded' })
    const again = { method: 'POST', path: `/job/${first.job_uuid}/rerun?wait=50` }
    expect((await call(api.url, again)).json()).toMatchObject({ state: 'succeeded' })
    expect(await latest()).toEqual(['Ann', '2', 's3cret'])
    const other = { ...deployJson({ parameters: { name: 'Bob' } }), ...again }
    expect((await call(api.url, other)).json()).toMatchObject({ state: 'succeeded' })
    expect(await latest()).toEqual(['Bob', '2', 's3cret'])
    expect(await deployed({ name: 'Eve', fails: true })).toMatchObject({ state: 'failed' })
    expect(await latest()).toEqual(['Bob', '2', 's3cret'])
  })

  it.each([
    ['a wrong value', { parameters: { name: 'x9' } }, 400, 'parameters.name'],
    ['a variable of a parameter', { parameters: { name: 'x' }, env: { NAME: 'y' } }, 400, 'env.NAME'],
    ["the job's own variable", { parameters: { name: 'x' }, env: { SECRET: 'y' } }, 400, 'env.SECRET'],
    ['an environment', { parameters: { name: 'x' }, config_map_ref: ['env-x'] }, 400, 'config_map_ref'],
    ['a locked field', { parameters: { name: 'x' }, retries: 1 }, 403, 'retries'],
  ])('is refused with %s', async (_, request, status, field) => {
    const refused = await call(api.url, deployJson({ job: 'greet', ...request }))
    expect(refused.status).toBe(status)
    expect(refused.json()).toMatchObject({ errors: [{ field }] })
  })

  it('sets what its own env names where it has no parameters', async () => {
    const set = await call(api.url, deployJson({ job: 'plain', env: { COLOUR: 'blue' } }))
    expect(set.status).toBe(201)
    const refused = await call(api.url, deployJson({ job: 'plain', parameters: { colour: 'blue' } }))
    expect(refused.json()).toMatchObject({ errors: [{ field: 'parameters.colour' }] })
  })
})

async function deployed(parameters: object): Promise<{ job_uuid: string; state: string }> {
  const request = { ...deployJson({ job: 'greet', parameters }), path: '/job/deploy?wait=50' }
  return (await call(api.url, request)).json() as { job_uuid: string; state: string }
}

async function latest(): Promise<unknown> {
  return (await json('/catalog/greet/latest/result?file=hello.txt')).body
}

async function json(path: string): Promise<{ status: number; body: unknown }> {
  const answer = await call(api.url, { path })
  return { status: answer.status, body: answer.json() }
}
