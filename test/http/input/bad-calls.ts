import { type Call, form } from '../client.ts'
import type { BadCall } from './bad-deploys.ts'

const unknownJob = '00000000-0000-8000-8000-000000000000'
const cross: Record<string, string> = { 'sec-fetch-site': 'cross-site' }
const envText = (body: string, path = '/resource/env'): Call => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'text/plain' },
  body,
})

/** Placeholder in paths for the id of an ended job whose result has hello.txt. */
export const endedJob = '{ended job}'
const job = endedJob
const file = `/job/${job}/result?file=hello.txt`

const upload = (name: string, headers: Record<string, string> = {}): Call => {
  return { method: 'PUT', path: `/upload/${name}`, headers, body: 'x' }
}

/** Calls to every route except /job/deploy. */
export const badCalls: BadCall[] = [
  { title: 'an unknown path', call: { path: '/jobs' }, status: 404 },
  { title: 'a path of invalid UTF-8', call: { path: '/job/%ff' }, status: 400 },
  {
    title: 'an upload of a part of a file',
    call: upload('part', { 'content-range': 'bytes 4-4/12' }),
    status: 400,
    field: 'Content-Range',
  },
  {
    title: 'an upload as a form',
    call: upload('form', { 'content-type': 'multipart/form-data; boundary=x' }),
    status: 415,
  },
  { title: 'POST to the list', call: { method: 'POST', path: '/job' }, status: 405 },
  { title: 'a limit of 0', call: { path: '/job?limit=0' }, status: 400, field: 'limit' },
  { title: 'a limit too high', call: { path: '/job?limit=10001' }, status: 400, field: 'limit' },
  { title: 'a limit of 1e3', call: { path: '/job?limit=1e3' }, status: 400, field: 'limit' },
  {
    title: 'an unknown parameter of the list',
    call: { path: '/job?colour=red' },
    status: 400,
    field: 'colour',
  },
  { title: 'an unknown job', call: { path: `/job/${unknownJob}` }, status: 404 },
  { title: 'POST to the uploads', call: { method: 'POST', path: '/upload' }, status: 405 },
  { title: 'a page of 0 uploads', call: { path: '/upload?limit=0' }, status: 400, field: 'limit' },
  { title: 'an unknown upload', call: { path: '/upload/nothing' }, status: 404 },
  { title: 'an upload named ..', call: upload('%2e%2e'), status: 400, field: 'name' },
  { title: 'an upload named with a slash', call: upload('a%2Fb'), status: 400, field: 'name' },
  { title: 'an upload named with a line end', call: upload('a%0Ab'), status: 400, field: 'name' },
  { title: 'an upload with a long name', call: upload('a'.repeat(256)), status: 400, field: 'name' },
  { title: 'an upload by another site', call: upload('a', cross), status: 403 },
  { title: 'an upload in gzip', call: upload('a', { 'content-encoding': 'gzip' }), status: 415 },
  { title: 'an upload in the place of none', call: upload('a', { 'if-match': '*' }), status: 412 },
  { title: 'removing an unknown upload', call: { method: 'DELETE', path: '/upload/nothing' }, status: 404 },
  { title: 'a malformed id', call: { path: '/job/42' }, status: 400, field: 'id' },
  {
    title: 'an id in capitals',
    call: { path: `/job/${'A'.repeat(8)}${unknownJob.slice(8)}` },
    status: 400,
    field: 'id',
  },
  { title: 'an id with ..', call: { path: '/job/..%2f..%2fetc' }, status: 400, field: 'id' },
  { title: 'PATCH of a job', call: { method: 'PATCH', path: `/job/${job}` }, status: 405 },
  {
    title: 'DELETE of a malformed id',
    call: { method: 'DELETE', path: '/job/42' },
    status: 400,
    field: 'id',
  },
  {
    title: 'cancelling an unknown job',
    call: { method: 'POST', path: `/job/${unknownJob}/cancel` },
    status: 404,
  },
  { title: 'cancelling by GET', call: { path: `/job/${job}/cancel` }, status: 405 },
  { title: 'the log of an unknown job', call: { path: `/job/${unknownJob}/log` }, status: 404 },
  {
    title: 'the log of another container',
    call: { path: `/job/${job}/log?container=api` },
    status: 400,
    field: 'container',
  },
  {
    title: 'the log of a step of a job without steps',
    call: { path: `/job/${job}/log?step=a` },
    status: 400,
    field: 'step',
  },
  {
    title: "the uploader's log of a step",
    call: { path: `/job/${job}/log?container=uploader&step=a` },
    status: 400,
    field: 'step',
  },
  { title: 'a tail below 0', call: { path: `/job/${job}/log?tail=-1` }, status: 400, field: 'tail' },
  {
    title: 'a follow other than true or false',
    call: { path: `/job/${job}/log?follow=1` },
    status: 400,
    field: 'follow',
  },
  { title: 'DELETE of a log', call: { method: 'DELETE', path: `/job/${job}/log` }, status: 405 },
  { title: 'an unknown configured job', call: { path: '/catalog/nobody' }, status: 404 },
  { title: 'a configured job without a result', call: { path: '/catalog/none/latest/result' }, status: 404 },
  {
    title: 'a latest result so far',
    call: { path: '/catalog/default/latest/result?so_far=true' },
    status: 400,
    field: 'so_far',
  },
  { title: 'the results of an unknown job', call: { path: `/job/${unknownJob}/result/list` }, status: 404 },
  { title: 'the tar of an unknown job', call: { path: `/job/${unknownJob}/result` }, status: 404 },
  {
    title: 'a result list of 0',
    call: { path: `/job/${job}/result/list?limit=0` },
    status: 400,
    field: 'limit',
  },
  {
    title: 'an unknown parameter of results',
    call: { path: `/job/${job}/result?path=x` },
    status: 400,
    field: 'path',
  },
  {
    title: 'a file above the results',
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
  { title: 'a range after the end', call: { path: file, headers: { range: 'bytes=999-' } }, status: 416 },
  { title: 'a precondition that fails', call: { path: file, headers: { 'if-match': '"x"' } }, status: 412 },
  { title: 'POST to a result', call: { method: 'POST', path: file }, status: 405 },
  { title: 'an env without a type', call: { method: 'POST', path: '/resource/env' }, status: 415 },
  {
    title: 'an env as JSON',
    call: { ...envText('{}'), headers: { 'content-type': 'application/json' } },
    status: 415,
  },
  { title: 'an env without a variable', call: envText('hello'), status: 400, field: 'env_file' },
  { title: 'an env with a bad name', call: envText('A-B=1'), status: 400, field: 'env_file.A-B' },
  {
    title: 'an env of more than 1 MiB',
    call: envText(`A=${'x'.repeat(2 ** 20)}`),
    status: 413,
    field: 'body',
  },
  {
    title: 'a secret other than true or false',
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
    title: 'DELETE of a malformed env id',
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
    title: 'a foreign Host (DNS rebinding)',
    call: { path: '/job', headers: { host: 'evil.example:8888' } },
    status: 403,
  },
  {
    title: 'a deploying GET with a foreign Host',
    call: { path: '/job/deploy', headers: { host: 'evil.example' } },
    status: 403,
  },
]
