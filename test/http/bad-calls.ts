import type { BadCall } from './bad-deploys.ts'
import { type Call, form } from './client.ts'

const nobody = '00000000-0000-8000-8000-000000000000'
const cross: Record<string, string> = { 'sec-fetch-site': 'cross-site' }
const envText = (body: string, path = '/resource/env'): Call => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'text/plain' },
  body,
})

/** Stands in paths for a job that has ended and left hello.txt. */
export const endedJob = '{ended job}'
const job = endedJob
const file = `/job/${job}/result?file=hello.txt`

/** Calls to everything but /job/deploy. */
export const badCalls: BadCall[] = [
  { title: 'an unknown path', call: { path: '/jobs' }, status: 404 },
  { title: 'a path that can not be decoded', call: { path: '/job/%ff' }, status: 400 },
  { title: 'POST to the list', call: { method: 'POST', path: '/job' }, status: 405 },
  { title: 'a limit of 0', call: { path: '/job?limit=0' }, status: 400, field: 'limit' },
  { title: 'a limit too high', call: { path: '/job?limit=10001' }, status: 400, field: 'limit' },
  { title: 'a limit that is no number', call: { path: '/job?limit=1e3' }, status: 400, field: 'limit' },
  {
    title: 'an unknown parameter of the list',
    call: { path: '/job?state=failed' },
    status: 400,
    field: 'state',
  },
  { title: 'an unknown job', call: { path: `/job/${nobody}` }, status: 404 },
  { title: 'an id that is none', call: { path: '/job/42' }, status: 400, field: 'id' },
  {
    title: 'an id in capitals',
    call: { path: `/job/${'A'.repeat(8)}${nobody.slice(8)}` },
    status: 400,
    field: 'id',
  },
  { title: 'an id with ..', call: { path: '/job/..%2f..%2fetc' }, status: 400, field: 'id' },
  { title: 'PATCH of a job', call: { method: 'PATCH', path: `/job/${job}` }, status: 405 },
  {
    title: 'DELETE of an id that is none',
    call: { method: 'DELETE', path: '/job/42' },
    status: 400,
    field: 'id',
  },
  { title: 'cancelling nobody', call: { method: 'POST', path: `/job/${nobody}/cancel` }, status: 404 },
  { title: 'cancelling by GET', call: { path: `/job/${job}/cancel` }, status: 405 },
  { title: 'the log of nobody', call: { path: `/job/${nobody}/log` }, status: 404 },
  {
    title: 'the log of another container',
    call: { path: `/job/${job}/log?container=api` },
    status: 400,
    field: 'container',
  },
  { title: 'a tail below 0', call: { path: `/job/${job}/log?tail=-1` }, status: 400, field: 'tail' },
  {
    title: 'follow that is no flag',
    call: { path: `/job/${job}/log?follow=1` },
    status: 400,
    field: 'follow',
  },
  { title: 'DELETE of a log', call: { method: 'DELETE', path: `/job/${job}/log` }, status: 405 },
  { title: 'the results of nobody', call: { path: `/job/${nobody}/result/list` }, status: 404 },
  { title: 'the tar of nobody', call: { path: `/job/${nobody}/result` }, status: 404 },
  { title: 'a list of 0', call: { path: `/job/${job}/result/list?limit=0` }, status: 400, field: 'limit' },
  {
    title: 'an unknown parameter of results',
    call: { path: `/job/${job}/result?path=x` },
    status: 400,
    field: 'path',
  },
  {
    title: 'a file that is not there',
    call: { path: `/job/${job}/result?file=../hello.txt` },
    status: 404,
    field: 'file',
  },
  {
    title: 'a file with a NUL',
    call: { path: `/job/${job}/result?file=a%00` },
    status: 400,
    field: 'file',
  },
  { title: 'a range behind the end', call: { path: file, headers: { range: 'bytes=999-' } }, status: 416 },
  { title: 'a precondition that fails', call: { path: file, headers: { 'if-match': '"x"' } }, status: 412 },
  { title: 'POST to a result', call: { method: 'POST', path: file }, status: 405 },
  { title: 'an env without a type', call: { method: 'POST', path: '/resource/env' }, status: 415 },
  {
    title: 'an env as JSON',
    call: { ...envText('{}'), headers: { 'content-type': 'application/json' } },
    status: 415,
  },
  { title: 'an empty env', call: envText(''), status: 400, field: 'env_file' },
  { title: 'an env without a variable', call: envText('hello'), status: 400, field: 'env_file' },
  { title: 'an env with a bad name', call: envText('A-B=1'), status: 400, field: 'env_file.A-B' },
  {
    title: 'an env of more than 1 MiB',
    call: envText(`A=${'x'.repeat(2 ** 20)}`),
    status: 413,
    field: 'body',
  },
  {
    title: 'secret that is no flag',
    call: envText('A=1', '/resource/env?secret=yes'),
    status: 400,
    field: 'secret',
  },
  {
    title: 'an env form without its part',
    call: { method: 'POST', path: '/resource/env', ...form({ name: 'file', content: 'A=1' }) },
    status: 400,
    field: 'file',
  },
  {
    title: 'DELETE of an env that can not be',
    call: { method: 'DELETE', path: '/resource/env/default' },
    status: 400,
    field: 'id',
  },
  { title: 'GET of one env', call: { path: '/resource/env/env-1' }, status: 405 },
  { title: 'HEAD of /demo', call: { method: 'HEAD', path: '/demo' }, status: 405 },
  { title: 'a parameter of /demo', call: { path: '/demo?job=x' }, status: 400, field: 'job' },
  { title: 'a parameter of /health', call: { path: '/health?x' }, status: 400, field: 'x' },
  { title: 'POST to /metrics', call: { method: 'POST', path: '/metrics' }, status: 405 },
  { title: "another site's deploying GET", call: { path: '/job/deploy', headers: cross }, status: 403 },
  {
    title: "another origin's deploying GET",
    call: { path: '/job/deploy', headers: { origin: 'http://evil.example' } },
    status: 403,
  },
  {
    title: 'a prefetch of a deploying GET',
    call: { path: '/job/deploy', headers: { 'sec-purpose': 'prefetch' } },
    status: 403,
  },
  { title: "another site's /demo", call: { path: '/demo', headers: cross }, status: 403 },
  { title: 'a prefetch of /demo', call: { path: '/demo', headers: { purpose: 'prefetch' } }, status: 403 },
  {
    title: "another site's POST",
    call: { ...envText('A=1'), headers: { 'content-type': 'text/plain', origin: 'null' } },
    status: 403,
  },
  {
    title: "another site's DELETE",
    call: { method: 'DELETE', path: `/job/${job}`, headers: cross },
    status: 403,
  },
  {
    title: "another site's cancel",
    call: { method: 'POST', path: `/job/${job}/cancel`, headers: cross },
    status: 403,
  },
  {
    title: 'a Host that was rebound',
    call: { path: '/job', headers: { host: 'evil.example:8888' } },
    status: 403,
  },
  {
    title: 'a Host that was rebound, deploying',
    call: { path: '/job/deploy', headers: { host: 'evil.example' } },
    status: 403,
  },
]
