import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, call, deployForm, deployJson } from '../client.ts'
import { type RunningApi, startApi } from '../running.ts'
import { untilFinal } from '../until-final.ts'

const clusterFields = {
  image: 'registry.example/tool:1',
  cpu: '2',
  memory: '512Mi',
  gpu: 1,
  result_directory: '/results',
  volumes: [{ claim: 'data', mount_path: '/data' }],
  node_selector: { disk: 'ssd' },
  run_as_user: 1000,
}
const command = ['sh', '-c', 'echo done >$RESULT_DIRECTORY/file']
const configured = `command: ${JSON.stringify(command)}\nimage: configured:1\ncpu: "1"`

describe('where callers may give commands', () => {
  let api: RunningApi
  beforeAll(async () => {
    api = await startApi(
      { default: configured, 'image-alone': 'image: configured:1' },
      { LOCAL_ALLOW_COMMANDS: '1', ALLOW_UNAUTHENTICATED: '1' },
    )
  })
  afterAll(() => api?.close())

  test('fields that need a cluster are ignored, and the answer lists them in the order of the table', async () => {
    const answer = await call(api.url, deployJson({ ...clusterFields, command }))
    expect(answer.status).toBe(201)
    const { job_uuid, ignored } = answer.json() as { job_uuid: string; ignored: string[] }
    expect(ignored).toEqual(Object.keys(clusterFields))
    expect(await untilFinal(api.url, job_uuid)).toMatchObject({ state: 'succeeded', result: { count: 1 } })
  })

  test('a GET and a form list them too, and without such a field the answer has no list', async () => {
    const byQuery = await call(api.url, { path: '/job/deploy?job=default&cpu=2' })
    expect(byQuery.json()).toMatchObject({ status: 'job deployed', ignored: ['cpu'] })
    const byForm = await call(
      api.url,
      deployForm({ name: 'request', content: JSON.stringify({ job: 'default', gpu: 1 }) }),
    )
    expect(byForm.json()).toMatchObject({ ignored: ['gpu'] })
    const plain = await call(api.url, deployJson({ job: 'default' }))
    expect(plain.json()).not.toHaveProperty('ignored')
  })

  test('a wrong value of an ignored field is refused as on a cluster', async () => {
    const answer = await call(api.url, deployJson({ job: 'default', cpu: 'much' }))
    expect(problemFields(answer)).toEqual([400, ['cpu']])
  })

  test.each([[{ image: 'tool:1' }], [{ image: 'tool:1', job: 'image-alone' }]])(
    'an image without a command is refused, with what to do: %j',
    async (request) => {
      const answer = await call(api.url, deployJson(request))
      expect(problemFields(answer)).toEqual([400, ['image']])
      expect((answer.json() as { detail: string }).detail).toContain('the program as "command" beside it')
    },
  )
})

describe('where callers may not give commands', () => {
  let api: RunningApi
  beforeAll(async () => {
    api = await startApi({ default: configured })
  })
  afterAll(() => api?.close())

  test('an image beside a configured job with a command is ignored', async () => {
    const answer = await call(api.url, deployJson({ job: 'default', image: 'tool:1' }))
    expect(answer.json()).toMatchObject({ status: 'job deployed', ignored: ['image'] })
  })

  test('an image alone is refused, and a configured job is named as the way', async () => {
    const answer = await call(api.url, deployJson({ image: 'tool:1' }))
    expect(problemFields(answer)).toEqual([400, ['image']])
    expect((answer.json() as { detail: string }).detail).toContain('a configured job (field job)')
  })

  test('GET /limits names both kinds', async () => {
    const limits = (await call(api.url, { path: '/limits' })).json()
    expect(limits).toMatchObject({
      refused_fields: ['command', 'args', 'steps'],
      ignored_fields: expect.arrayContaining(['image', 'cpu', 'volumes']),
    })
  })
})

function problemFields(answer: Answer): [number, string[]] {
  const { errors } = answer.json() as { errors: { field: string }[] }
  return [answer.status, errors.map(({ field }) => field)]
}
