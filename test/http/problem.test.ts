import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import express from 'express'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { StoreError } from '../../src/artifact/store.ts'
import { type ErrorCode, invalid, Problem } from '../../src/errors.ts'
import { errorHandler } from '../../src/http/error-handler.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import { problemDocument, retryAfter, statusOf, toProblem } from '../../src/http/problem.ts'
import { requestLog } from '../../src/http/request-log.ts'
import { call } from './client.ts'

test.each<[ErrorCode, number]>([
  ['invalid-request', 400],
  ['unauthorized', 401],
  ['forbidden', 403],
  ['not-found', 404],
  ['method-not-allowed', 405],
  ['not-final', 409],
  ['result-missing', 409],
  ['not-a-readable-file', 409],
  ['expired', 410],
  ['too-large', 413],
  ['unsupported-media-type', 415],
  ['range-not-satisfiable', 416],
  ['idempotency-key-reused', 422],
  ['internal', 500],
  ['unavailable', 503],
])('%s is %i', (code, status) => {
  expect(statusOf(code)).toBe(status)
})

test('a problem names its fields', () => {
  expect(problemDocument(invalid('gpu', 'is a string', 'a number'))).toEqual({
    type: 'urn:jobferry:error:invalid-request',
    title: 'The request is not valid',
    status: 400,
    detail: 'gpu: is a string; expected a number',
    errors: [{ field: 'gpu', problem: 'is a string', expected: 'a number' }],
  })
})

describe('what a caller can wait for says for how long', () => {
  test.each(['unavailable', 'denied', 'full', 'corrupt'] as const)('the store is %s', (kind) => {
    const problem = toProblem(new StoreError(kind, 'http://10.0.0.7:9000 refused'))
    expect(problem.code).toBe('unavailable')
    expect(problem.message).not.toContain('10.0.0.7')
    expect(retryAfter(problem)).toBe(5)
  })

  test('a job that is not final', () => {
    expect(retryAfter(new Problem('not-final', '', { retryAfterSeconds: 2 }))).toBe(2)
    expect(retryAfter(new Problem('result-missing', ''))).toBeUndefined()
  })
})

describe('a route that fails unexpectedly', () => {
  const lines = new PassThrough()
  const log = pino({ serializers: { error: pino.stdSerializers.err } }, lines)
  let server: Server
  let url: string

  beforeAll(async () => {
    const services = { log, metrics: createMetrics(() => new Map()) }
    const app = express()
    app.use(requestLog(services))
    app.get('/before', (_req, res) => {
      res.set({ 'Content-Length': '1000', ETag: '"x"' })
      throw new TypeError('s3cret of the inside')
    })
    app.get('/late', (_req, res) => {
      res.set('Content-Length', '1000').write('the beginning')
      throw new TypeError('s3cret of the inside')
    })
    app.use(errorHandler(services))
    server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => server.close())

  test('answers 500 that says nothing of the inside, which is in the log under the request id', async () => {
    lines.read()
    const answer = await call(url, { path: '/before?token=in-the-query' })
    expect(answer.status).toBe(500)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(answer.headers).not.toHaveProperty('etag')
    expect(answer.body.toString()).not.toContain('s3cret')
    const logged = String(lines.read())
    expect(logged).toContain('s3cret of the inside')
    expect(logged).toContain(answer.headers['x-request-id'])
    expect(logged).not.toContain('in-the-query')
  })

  test('cuts an answer that it has begun', async () => {
    await expect(call(url, { path: '/late' })).rejects.toThrow()
  })
})
