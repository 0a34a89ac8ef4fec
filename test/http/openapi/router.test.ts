import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Express, IRouter } from 'express'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/config.ts'
import { createApp } from '../../../src/http/app.ts'
import { createLog } from '../../../src/util/log.ts'
import { httpOptions } from '../../../src/wiring/http-options.ts'
import { type Cleanup, createServices } from '../../../src/wiring/services.ts'
import { call } from '../client.ts'
import { document, type OperationObject, operationOf } from './documented.ts'

const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]): [string, string, OperationObject] => [
    method.toUpperCase(),
    path,
    operation,
  ]),
)

let app: Express
let url: string
const cleanups: Cleanup[] = []

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'jobferry-test-'))
  cleanups.push(() => rm(directory, { recursive: true, force: true }))
  const config = loadConfig({ DATA_DIRECTORY: directory, PORT: '0', ALLOW_UNAUTHENTICATED: '1' })
  const state = { ready: () => true, shutdown: new AbortController().signal }
  const { services } = await createServices(config, createLog('test', 'silent'), state, cleanups)
  app = createApp(services, httpOptions(config))
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => server.close())
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup()
})

it('the document has the paths of the router, and no other', () => {
  const paths = pathsOf(app.router).map((path) => path.replaceAll(/:(\w+)/g, '{$1}'))
  expect(Object.keys(document.paths).sort()).toEqual(paths.sort())
})

it('the document has the methods of each path, and no other', async () => {
  const allowed: Record<string, string[]> = {}
  for (const path of pathsOf(app.router)) {
    const { status, headers } = await call(url, { method: 'PATCH', path: filled(path) })
    expect(status, path).toBe(405)
    const methods = String(headers.allow)
      .split(', ')
      .filter((method) => method !== 'HEAD')
    allowed[path.replaceAll(/:(\w+)/g, '{$1}')] = methods.sort()
  }
  const inDocument = Object.entries(document.paths).map(([path, methods]): [string, string[]] => [
    path,
    Object.keys(methods)
      .map((method) => method.toUpperCase())
      .sort(),
  ])
  expect(Object.fromEntries(inDocument)).toEqual(allowed)
})

/** These read no query, or a form's parameters from it. */
const withoutQuery = ['/health/live', '/health/ready', '/.well-known/jwks.json', '/token']

it.each(documented.filter(([, path]) => !withoutQuery.includes(path)))(
  'the document has the parameters of the query of %s %s, and no other',
  async (method, path, { parameters = [] }) => {
    const { status, body } = await call(url, { method, path: `${filled(path)}?zzzzzzzzzz=1` })
    expect(status).toBe(400)
    const [error] = (JSON.parse(body.toString()) as { errors: { field: string; expected: string }[] }).errors
    expect(error?.field).toBe('zzzzzzzzzz')
    const known = /^(?:no parameters|none)$/.test(error?.expected ?? '')
      ? []
      : (error?.expected ?? '').replace(/^one of /, '').split(', ')
    const inDocument = parameters.filter((one) => one.in === 'query').map(({ name }) => name)
    expect(inDocument.sort()).toEqual([...known, ...unnamed(path, method)].sort())
  },
)

/** These are read before the fields of a request. */
const unnamed = (path: string, method: string) =>
  path === '/job/deploy' && method === 'GET' ? ['wait', 'dry_run'] : []

it.each(
  documented.flatMap(([method, path, { parameters = [] }]) =>
    parameters
      .filter((one) => one.in === 'query' && one.schema.type === 'integer' && path !== '/job/deploy')
      .map((one): [string, string, string, number, string] => [
        one.name,
        method,
        path,
        one.schema.maximum ?? 0,
        // A call for many jobs needs a filter.
        parameters.some(({ name }) => name === 'dry_run') ? '&label=a=b&dry_run=true' : '',
      ]),
  ),
)('%s of %s %s has the maximum of the document', async (name, method, path, maximum, more) => {
  const withValue = (value: number) => call(url, { method, path: `${filled(path)}?${name}=${value}${more}` })
  expect((await withValue(maximum)).status).not.toBe(400)
  expect((await withValue(maximum + 1)).status).toBe(400)
})

it('every operation has an id of its own', () => {
  const ids = documented.map(([, , { operationId }]) => operationId)
  expect(new Set(ids).size).toBe(ids.length)
})

it('a plain path comes before one with a parameter', () => {
  expect(operationOf('GET', '/job/deploy?job=x')?.operationId).toBe('deployConfiguredJob')
  expect(operationOf('HEAD', '/job/0b8f8c62-3f5e-4a53-9a37-1c1c0b9a2f11/')?.operationId).toBe('getJob')
})

/** Paths of all routes of a router and of the routers in it. */
function pathsOf(router: IRouter): string[] {
  return router.stack.flatMap((layer) => {
    if (layer.route) return [layer.route.path]
    const inner = layer.handle as unknown as Partial<IRouter>
    return Array.isArray(inner.stack) ? pathsOf(inner as IRouter) : []
  })
}

function filled(path: string): string {
  return path
    .replace(/^\/resource\/env\/(:id|\{id\})/, '/resource/env/env-x')
    .replaceAll(/:\w+|\{\w+\}/g, '0b8f8c62-3f5e-4a53-9a37-1c1c0b9a2f11')
}
