import { randomBytes } from 'node:crypto'
import { deployForm, type FormPart, form } from '../client.ts'
import { type BadCall, post, withHeaders } from './bad-deploys.ts'

const input = (filename: string, content = 'x'): FormPart => ({ name: 'input', filename, content })
const request: FormPart = { name: 'request', content: '{"job": "default"}' }
const parts = (title: string, field: string, given: FormPart[], status = 400): BadCall => ({
  title: `form: ${title}`,
  call: deployForm(...given),
  status,
  field,
})
const brokenForm = (title: string, change: (bytes: Buffer) => Buffer, field = 'body'): BadCall => {
  const { headers, body } = form(request, input('a', 'x'.repeat(10_000)))
  return {
    title: `form: ${title}`,
    call: { method: 'POST', path: '/job/deploy', headers, body: change(body) },
    status: 400,
    field,
  }
}

/** A form of a request and an env_file, the description of which is replaced. */
const described = (title: string, head: string): BadCall => {
  const { call } = parts(title, 'body', [request, { name: 'env_file', content: 'A=1' }])
  const given = 'Content-Disposition: form-data; name="env_file"'
  const body = Buffer.from(String(call.body).replace(given, head))
  return { title: `form: ${title}`, call: { ...call, body }, status: 400, field: 'body' }
}

export const badForms: BadCall[] = [
  brokenForm('spaces after a boundary', (bytes) =>
    Buffer.from(bytes.toString('latin1').replace(/(\r\n--[\w-]+)(?=\r\n)/, '$1  '), 'latin1'),
  ),
  parts('an input that contains the boundary', 'body', [
    request,
    { name: 'input', filename: 'a', content: 'first\r\n--a-boundary-that-is-nowhere-else? second' },
  ]),
  described('a part without a Content-Disposition', 'Content-Type: text/plain'),
  described('a part of another disposition', 'Content-Disposition: attachment; name="env_file"'),
  described(
    'a part in base64',
    'Content-Disposition: form-data; name="env_file"\r\nContent-Transfer-Encoding: base64',
  ),
  described('a part whose disposition is broken', 'Content-Disposition: form-data; name="env_file'),
  brokenForm('cut in the middle of a file', (bytes) => bytes.subarray(0, bytes.length - 5000)),
  brokenForm('cut in the middle of a header', (bytes) => bytes.subarray(0, 40)),
  brokenForm('random bytes', () => randomBytes(10_000)),
  brokenForm('an empty body', () => Buffer.alloc(0)),
  { title: 'form: no boundary', call: post('multipart/form-data', 'x'), status: 400, field: 'body' },
  parts('no request', 'job', [input('a')]),
  parts('request and config_data', 'config_data', [request, { name: 'config_data', content: 'GPU=1' }]),
  parts('an unknown part', 'extra', [request, { name: 'extra', content: 'x' }]),
  parts('an unknown file', 'extra', [request, { name: 'extra', filename: 'a', content: 'x' }]),
  parts('a text without a part name', 'body', [request, { name: '', content: 'x' }]),
  parts('a file without a part name', 'body', [request, { name: '', filename: 'a', content: 'x' }]),
  parts('an input without a file name', 'input', [request, input('')]),
  parts('a request twice', 'request', [request, request]),
  parts('an input in two places', 'inputs[0].to', [
    { name: 'request', content: '{"job": "default", "inputs": [{"content": "x", "to": "a"}]}' },
    input('a'),
  ]),
  parts('a request of invalid JSON', 'request', [{ name: 'request', content: 'job: default' }]),
  parts(
    'a request of more than 1 MiB',
    'request',
    [{ name: 'request', content: ' '.repeat(2 ** 20 + 1) }],
    413,
  ),
  parts(
    'a request file of more than 1 MiB',
    'request',
    [{ name: 'request', filename: 'r', content: ' '.repeat(2 ** 20 + 1) }],
    413,
  ),
  parts('an unknown variable in config_data', 'config_data.CPU', [{ name: 'config_data', content: 'CPU=1' }]),
  parts('an env_file without a variable', 'env_file', [request, { name: 'env_file', content: 'hello' }]),
  parts('an env_file of invalid UTF-8', 'env_file', [
    request,
    { name: 'env_file', filename: '.env', content: Buffer.from([0x41, 0x3d, 0xff]) },
  ]),
  parts('a reserved variable', 'env_file.INPUT_DIRECTORY', [
    request,
    { name: 'env_file', content: 'INPUT_DIRECTORY=/' },
  ]),
  parts('an input that is text', 'input', [request, { name: 'input', content: 'x' }]),
  parts('an input twice', 'input', [request, input('a.bag'), input('a.bag')]),
  parts('an input above its folder', 'input', [request, input('../../etc/passwd')]),
  parts('an input in a folder called ..', 'input', [request, input('a/../b')]),
  parts('an input at an absolute path', 'input', [request, input('/etc/passwd')]),
  parts('an input in a folder without a name', 'input', [request, input('a//b')]),
  parts('an input within another one', 'input', [request, input('a'), input('a/b')]),
  parts('an input in the place of a folder', 'input', [request, input('a/b/c'), input('a/b')]),
  parts('an input called ..', 'input', [request, input('..')]),
  parts('an input with a NUL in its name', 'body', [request, input('a\0b')]),
  parts('an input whose name is too long', 'input', [request, input('x'.repeat(256))]),
  parts(
    'too many bytes of inputs',
    'input',
    [request, input('a', 'x'.repeat(600_000)), input('b', 'x'.repeat(600_000))],
    413,
  ),
  {
    title: 'form: a Content-Length far beyond the limit',
    call: withHeaders(deployForm(request), { 'content-length': '1099511627776' }),
    status: 413,
    field: 'input',
  },
]
