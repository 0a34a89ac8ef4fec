import { type Call, deployJson } from '../client.ts'

/** A call that must be refused, with the field that its problem must name. */
export interface BadCall {
  title: string
  call: Call
  status: number
  field?: string
}

const nobody = '00000000-0000-4000-8000-000000000000'
const get = (query: string): Call => ({ path: `/job/deploy?${query}` })
export const post = (type: string | undefined, body?: string): Call => ({
  method: 'POST',
  path: '/job/deploy',
  headers: type === undefined ? {} : { 'content-type': type },
  body,
})
export const withHeaders = (call: Call, headers: Record<string, string>): Call => ({
  ...call,
  headers: { ...call.headers, ...headers },
})
const json = (request: unknown, field: string, status = 400): BadCall => ({
  title: `JSON ${JSON.stringify(request).slice(0, 60)}`,
  call: deployJson(request),
  status,
  field,
})
export const badQueries: BadCall[] = [
  { title: 'an unknown job', call: get('job=nobody'), status: 400, field: 'job' },
  { title: 'an invalid job name', call: get('job=../default'), status: 400, field: 'job' },
  { title: 'a NUL in the query', call: get('job=default%00'), status: 400, field: 'job' },
  { title: 'a query of invalid UTF-8', call: get('job=%ff'), status: 400, field: 'query' },
  { title: 'a broken percent escape', call: get('job=%zz'), status: 400, field: 'query' },
  { title: 'an unknown parameter', call: get('verbose=1'), status: 400, field: 'verbose' },
  { title: 'a parameter twice', call: get('retries=1&retries=2'), status: 400, field: 'retries' },
  {
    title: 'a flag other than true or false',
    call: get('upload_while_running=perhaps'),
    status: 400,
    field: 'upload_while_running',
  },
  { title: 'a number in words', call: get('retries=many'), status: 400, field: 'retries' },
  {
    title: 'a number out of bounds',
    call: get('stop_grace_seconds=0'),
    status: 400,
    field: 'stop_grace_seconds',
  },
  {
    title: 'a parameter of a job without any',
    call: get('parameters.days=3'),
    status: 400,
    field: 'parameters.days',
  },
  { title: 'parameters as one', call: get('parameters=3'), status: 400, field: 'parameters' },
  {
    title: 'a parameter of the job twice',
    call: get('parameters.a=1&parameters.a=2'),
    status: 400,
    field: 'parameters.a',
  },
  { title: 'env, a field of POST only', call: get('env=A%3D1'), status: 400, field: 'env' },
  { title: 'steps, a field of POST only', call: get('steps=a'), status: 400, field: 'steps' },
  { title: 'depends_on in a query', call: get('depends_on=a'), status: 400, field: 'depends_on' },
  { title: 'volumes, a field of POST only', call: get('volumes=x'), status: 400, field: 'volumes' },
  { title: 'input, a field of POST only', call: get('input=x'), status: 400, field: 'input' },
  { title: "a command of the caller's own", call: get('command=id'), status: 400, field: 'command' },
  {
    title: 'an Idempotency-Key with a comma',
    call: withHeaders(get(''), { 'idempotency-key': 'a,b' }),
    status: 400,
    field: 'Idempotency-Key',
  },
  {
    title: 'an Idempotency-Key that is too long',
    call: withHeaders(get(''), { 'idempotency-key': 'x'.repeat(256) }),
    status: 400,
    field: 'Idempotency-Key',
  },
  { title: 'HEAD', call: { method: 'HEAD', path: '/job/deploy' }, status: 405 },
  { title: 'PUT', call: { method: 'PUT', path: '/job/deploy' }, status: 405 },
]

export const badBodies: BadCall[] = [
  { title: 'no body at all', call: post(undefined), status: 415 },
  { title: 'text', call: post('text/plain', 'job=default'), status: 415 },
  {
    title: 'a URL-encoded form',
    call: post('application/x-www-form-urlencoded', 'job=default'),
    status: 415,
  },
  {
    title: 'compressed JSON',
    call: withHeaders(deployJson({ job: 'default' }), { 'content-encoding': 'gzip' }),
    status: 415,
  },
  { title: 'invalid JSON', call: deployJson('{job: default}'), status: 400, field: 'body' },
  { title: 'an empty body', call: deployJson(''), status: 400, field: 'body' },
  {
    title: 'JSON of invalid UTF-8',
    call: { ...deployJson({}), body: Buffer.from([0x22, 0xff, 0x22]) },
    status: 400,
    field: 'body',
  },
  {
    title: 'JSON of more than 1 MiB',
    call: deployJson({ job: 'x'.repeat(2 ** 20) }),
    status: 413,
    field: 'body',
  },
  {
    title: 'JSON of more than 1 MiB without a Content-Length',
    call: withHeaders(deployJson({ job: 'x'.repeat(2 ** 20) }), { 'transfer-encoding': 'chunked' }),
    status: 413,
    field: 'body',
  },
  {
    title: 'a parameter beside the body',
    call: { ...deployJson({ job: 'default' }), path: '/job/deploy?job=default' },
    status: 400,
    field: 'job',
  },
  json(null, 'request'),
  json([], 'request'),
  json({}, 'job'),
  json({ job: 7 }, 'job'),
  json({ job: 'nobody' }, 'job'),
  json({ job: 'default', nice: true }, 'nice'),
  json({ job: 'default', demo_file: 'x' }, 'demo_file'),
  json({ job: 'default', env: { 'A-B': '1' } }, 'env.A-B'),
  json({ job: 'default', env: { A: null } }, 'env.A'),
  json({ job: 'default', env: { A: [1] } }, 'env.A'),
  json({ job: 'default', steps: [{ name: 'a', env: { A: null } }] }, 'steps[0].env.A'),
  json('\uFEFF\uFEFF{"job": "default"}', 'body'),
  json({ job: 'default', env: { A: 'x\0' } }, 'env.A'),
  json({ job: 'default', env: { RESULT_DIRECTORY: '/' } }, 'env.RESULT_DIRECTORY'),
  json('{"job": "default", "env": {"__proto__": "x"}}', 'env.__proto__'),
  json({ job: 'default', labels: { 'jobferry.dev/job': 'x' } }, 'labels.jobferry.dev/job'),
  json({ job: 'default', labels: { a: 'not allowed' } }, 'labels.a'),
  json({ job: 'default', name: '' }, 'name'),
  json({ job: 'default', name: 'two\nlines' }, 'name'),
  json({ job: 'default', name: 'x'.repeat(101) }, 'name'),
  json({ job: 'default', config_map_ref: ['kube-root-ca.crt'] }, 'config_map_ref[0]'),
  json({ job: 'default', parameters: { days: 3 } }, 'parameters.days'),
  json({ job: 'default', parameters: { days: null } }, 'parameters.days'),
  json({ job: 'default', result_directory: '/a/../etc' }, 'result_directory'),
  json({ job: 'default', volumes: [{ claim: 'Maps', mount_path: '/m' }] }, 'volumes[0].claim'),
  json({ job: 'default', tolerations: [{ effect: 'NoSchedule' }] }, 'tolerations[0]'),
  json({ job: 'default', cpu: 'lots' }, 'cpu'),
  json({ job: 'default', inputs: [{ content: 'x', to: '../a' }] }, 'inputs[0].to'),
  json({ job: 'default', inputs: [{ from: 'upload:nothing' }] }, 'inputs[0].from'),
  json({ job: 'default', inputs: [{ from: 'upload:' }] }, 'inputs[0].from'),
  json({ job: 'default', inputs: [{ from: 'upload:a/b' }] }, 'inputs[0].from'),
  json({ job: 'default', inputs: [{ from: 'upload:a', secret: 'b' }] }, 'inputs[0].secret'),
  json({ job: 'default', inputs: [{ from: 'https://example.org/a', unpack: 'rar' }] }, 'inputs[0].unpack'),
  json({ job: 'default', outputs: [] }, 'outputs'),
  json({ job: 'default', outputs: { includes: ['a'] } }, 'outputs.includes'),
  json({ job: 'default', outputs: { include: '*.csv' } }, 'outputs.include'),
  json({ job: 'default', outputs: { include: [] } }, 'outputs.include'),
  json({ job: 'default', outputs: { exclude: Array(51).fill('a') } }, 'outputs.exclude'),
  json({ job: 'default', outputs: { exclude: ['a', ''] } }, 'outputs.exclude[1]'),
  json({ job: 'default', outputs: { exclude: ['!a'] } }, 'outputs.exclude[0]'),
  json({ job: 'default', outputs: { exclude: ['#a'] } }, 'outputs.exclude[0]'),
  json({ job: 'default', outputs: { required: ['../a'] } }, 'outputs.required[0]'),
  json({ job: 'default', outputs: { required: ['/'] } }, 'outputs.required[0]'),
  json({ job: 'default', outputs: { required: ['a//b'] } }, 'outputs.required[0]'),
  json({ job: 'default', outputs: { required: ['a\\'] } }, 'outputs.required[0]'),
  json({ job: 'default', outputs: { required: ['a\n'] } }, 'outputs.required[0]'),
  json({ job: 'default', outputs: { required: ['a'.repeat(257)] } }, 'outputs.required[0]'),
  json({ job: 'default', outputs: { when: 'never' } }, 'outputs.when'),
  json({ job: 'default', outputs: { deliver: [] } }, 'outputs.deliver'),
  json({ job: 'default', outputs: { deliver: [{ to: 's3://b-1/' }] } }, 'outputs.deliver[0].secret'),
  json(
    { job: 'default', outputs: { deliver: [{ to: 's3://b-1/x', secret: 's' }] } },
    'outputs.deliver[0].to',
  ),
  json(
    { job: 'default', outputs: { deliver: [{ to: 'https://b-1/', secret: 's' }] } },
    'outputs.deliver[0].to',
  ),
  json(
    { job: 'default', outputs: { deliver: [{ to: `s3://b-1/${'ü'.repeat(350)}/`, secret: 's' }] } },
    'outputs.deliver[0].to',
  ),
  json(
    {
      job: 'default',
      outputs: {
        deliver: [
          { to: 's3://b-1/x/', secret: 's' },
          { to: 's3://b-1/', secret: 's' },
        ],
      },
    },
    'outputs.deliver[0].to',
  ),
  json(
    { job: 'default', outputs: { deliver: [{ to: 's3://b-1/', secret: 's' }] } },
    'outputs.deliver[0].secret',
  ),
  json({ job: 'default', outputs: { when: 'failure', required: ['a'] } }, 'outputs'),
  json(
    {
      job: 'default',
      inputs: [
        { content: 'x', to: 'a' },
        { content: 'x', to: 'a/b' },
      ],
    },
    'inputs[1].to',
  ),
  json({ job: 'default', image: 'UPPER CASE' }, 'image'),
  json({ job: 'default', depends_on: 'x' }, 'depends_on'),
  json({ job: 'default', depends_on: [{ on: 'end' }] }, 'depends_on[0].job_uuid'),
  json({ job: 'default', depends_on: [{ job_uuid: 'A' }] }, 'depends_on[0].job_uuid'),
  json({ job: 'default', depends_on: [{ job_uuid: nobody, on: 'failure' }] }, 'depends_on[0].on'),
  json({ job: 'default', depends_on: [{ job_uuid: nobody, after: 1 }] }, 'depends_on[0].after'),
  json({ job: 'default', depends_on: [{ job_uuid: nobody }] }, 'depends_on[0].job_uuid'),
  json(
    { job: 'default', depends_on: [{ job_uuid: nobody }, { job_uuid: nobody, on: 'end' }] },
    'depends_on[1].job_uuid',
  ),
  json({ job: 'default', depends_on: Array(33).fill({ job_uuid: nobody }) }, 'depends_on'),
  json({ job: 'default', steps: {} }, 'steps'),
  json({ job: 'default', steps: [] }, 'steps'),
  json({ job: 'default', steps: [{ command: ['id'] }] }, 'steps[0].name'),
  json({ job: 'default', steps: [{ name: 'A' }] }, 'steps[0].name'),
  json({ job: 'default', steps: [{ name: 'a' }, { name: 'a' }] }, 'steps[1].name'),
  json(
    { job: 'default', steps: [{ name: 'a', env: { RESULT_DIRECTORY: '/' } }] },
    'steps[0].env.RESULT_DIRECTORY',
  ),
  json({ job: 'default', steps: [{ name: 'a', stdout: '/etc/passwd' }] }, 'steps[0].stdout'),
  json({ job: 'default', steps: [{ name: 'a', retries: 1 }] }, 'steps[0].retries'),
  json({ job: 'default', steps: [{ name: 'a', command: ['id'] }] }, 'steps'),
]
