import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import express from 'express'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errorHandler } from '../../../src/http/server/error-handler.ts'
import { problemDocument, retryAfter, statusOf, toProblem } from '../../../src/http/server/problem.ts'
import { requestLog } from '../../../src/http/server/request-log.ts'
import { StoreError } from '../../../src/store/store.ts'
import { type ErrorCode, invalid, Problem } from '../../../src/util/errors.ts'
import { createMetrics } from '../../../src/util/metrics.ts'
import { call } from '../client.ts'

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

describe('the Retry-After of a temporary problem', () => {
  test.each(['unavailable', 'denied', 'full', 'corrupt'] as const)(
    'is 5 s if the store is %s, without its address',
    (kind) => {
      const problem = toProblem(new StoreError(kind, 'http://10.0.0.7:9000 refused'))
      expect(problem.code).toBe('unavailable')
      expect(problem.message).not.toContain('10.0.0.7')
      expect(retryAfter(problem)).toBe(5)
    },
  )

  test('is given by the problem of a job that still runs, and absent for a missing result', () => {
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
    const services = { log, metrics: createMetrics() }
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

  test('answers 500 without internals; the log has them under the request id', async () => {
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

  test('aborts an answer that it has begun', async () => {
    await expect(call(url, { path: '/late' })).rejects.toThrow()
  })
})
