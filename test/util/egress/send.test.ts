import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { parseAllow } from '../../../src/util/egress/allow.ts'
import type { OutgoingCalls } from '../../../src/util/egress/outgoing-calls.ts'
import { createOutgoingCalls } from '../../../src/util/egress/send.ts'
import { hang, hugeBody, reset, slowBody, startReceiver } from '../../support/connector/receiver.ts'

test('sends method, path, headers and body, and resolves with the answer', async () => {
  await using receiver = await startReceiver()
  receiver.react({ status: 201, headers: { 'retry-after': '3' }, body: 'thanks' })
  const answer = await outgoing().send({
    method: 'POST',
    url: `${receiver.url}/a/b?c=d`,
    headers: { 'x-kind': 'test' },
    body: '{"a":1}',
  })
  expect({ ...answer, body: answer.body.toString() }).toMatchObject({
    status: 201,
    headers: { 'retry-after': '3' },
    body: 'thanks',
    truncated: false,
  })
  expect(receiver.received).toMatchObject([
    {
      method: 'POST',
      path: '/a/b?c=d',
      body: '{"a":1}',
      headers: { 'x-kind': 'test', 'user-agent': 'Jobferry' },
    },
  ])
})

test.each([302, 307])(
  'follows no redirect, which could lead to a metadata service: %s is the answer',
  async (status) => {
    await using receiver = await startReceiver()
    receiver.react({ status, headers: { location: 'http://169.254.169.254/latest/meta-data' } })
    expect(await outgoing().send({ method: 'POST', url: receiver.url })).toMatchObject({ status })
    expect(receiver.received).toHaveLength(1)
  },
)

test.each([
  'http://169.254.169.254/latest/meta-data',
  'http://[::ffff:169.254.169.254]/',
  'http://2852039166/',
  'http://0xa9.0xfe.0xa9.0xfe/',
  'http://0/',
  'http://[fe80::1]/',
  'http://[fd00:ec2::254]/',
])('never calls %s, even if every address is allowed', async (url) => {
  const any = outgoing('any')
  expect(any.refuses(url)).toContain('never called')
  await expect(any.send({ method: 'POST', url })).rejects.toMatchObject({ kind: 'forbidden' })
  await expect(any.send({ method: 'POST', url, trusted: true })).rejects.toMatchObject({ kind: 'forbidden' })
})

test('a call ends with its signal although its host takes the connection and stays silent', async () => {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  onTestFinished(() => {
    silent.close()
  })
  const { port } = silent.address() as AddressInfo
  const reason = new Error('the caller has given up')
  const call = new AbortController()
  const answer = outgoing('any').send({
    method: 'GET',
    url: `https://127.0.0.1:${port}`,
    signal: call.signal,
  })
  await once(silent, 'connection')
  call.abort(reason)
  const later = sleep(500).then(() => 'still waiting')
  expect(await Promise.race([answer.catch((error: unknown) => error), later])).toBe(reason)
})

test('the address of a resolved name is checked when the call connects', async () => {
  await using receiver = await startReceiver()
  const url = receiver.url.replace('127.0.0.1', 'localhost')
  const strict = outgoing('public,private')
  // The name alone does not show its address.
  expect(strict.refuses(url)).toBeUndefined()
  await expect(strict.send({ method: 'POST', url })).rejects.toMatchObject({
    kind: 'forbidden',
    message: expect.stringContaining('loopback address, which OUTGOING_ALLOW does not allow'),
  })
  expect(receiver.received).toHaveLength(0)
  expect(await outgoing('localhost').send({ method: 'POST', url })).toMatchObject({ status: 204 })
  expect(await strict.send({ method: 'POST', url, trusted: true })).toMatchObject({ status: 204 })
})

test.each([
  ['ftp://example.org/', 'an http:// or https:// URL'],
  ['no url', 'an http:// or https:// URL of at most 2048 characters'],
  ['http://user:password@example.org/', 'a URL without user name and password'],
  [`http://example.org/${'x'.repeat(2048)}`, 'an http:// or https:// URL of at most 2048 characters'],
  ['http://127.0.0.1:8888/', expect.stringContaining('OUTGOING_ALLOW')],
])('%s is refused before anything is sent', (url, expected) => {
  expect(outgoing('public').refuses(url)).toEqual(expected)
})

test.each([
  ['with a hanging answer', hang, 'timeout'],
  ['with a connection reset', reset, 'unreachable'],
] as const)('a receiver %s is an error of the matching kind', async (_, reaction, kind) => {
  await using receiver = await startReceiver()
  receiver.react(reaction)
  await expect(outgoing().send({ method: 'POST', url: receiver.url })).rejects.toMatchObject({ kind })
})

test('a port without a listener is unreachable', async () => {
  await using receiver = await startReceiver()
  await receiver.stop()
  await expect(outgoing().send({ method: 'GET', url: receiver.url })).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('ECONNREFUSED'),
  })
  await receiver.start()
})

test('a self-signed certificate is refused', async () => {
  await using receiver = await startReceiver({ tls: true })
  await expect(outgoing().send({ method: 'POST', url: receiver.url })).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('self-signed certificate'),
  })
  expect(receiver.received).toHaveLength(0)
})

test.each([
  ['too large', hugeBody, 65_536],
  ['too slow', slowBody, undefined],
] as const)('a body that is %s is truncated, and the status still counts', async (_, reaction, length) => {
  await using receiver = await startReceiver()
  receiver.react(reaction)
  const answer = await outgoing().send({ method: 'POST', url: receiver.url })
  expect(answer).toMatchObject({ status: 200, truncated: true })
  expect(answer.body.length).toBe(length ?? answer.body.length)
})

function outgoing(allow = 'any'): OutgoingCalls {
  const rules = parseAllow(allow)
  if (rules === undefined) throw new Error(allow)
  const made = createOutgoingCalls({ allow: rules, timeoutSeconds: 1 })
  onTestFinished(() => made.close())
  return made
}
