import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { defined } from '../../../src/util/objects.ts'
import { eventually } from '../time/eventually.ts'

/** A call that a connector received from a provisioner, and its answer's status. */
export interface ConnectorCall {
  path: string
  headers: NodeJS.Dict<string | string[]>
  body: unknown
  status: number
}

/** A connector's provision request. */
export interface AskOptions {
  asset?: string
  transfer?: string
  resource?: string
  /** Path of the request, `/provision` by default. */
  path?: string
  headers?: Record<string, string>
  body?: Record<string, unknown>
}

export interface Connector {
  /** The callback address that both generations of requests name. */
  callbackAddress: string
  managementUrl: string
  /** All received calls, with any answer. */
  calls: ConnectorCall[]
  /**
   * Transfers that got a callback before the answer to their request: a real connector loses these.
   */
  lost: string[]
  /** The next statuses that it answers with, one after the other; then 204. */
  fail(...statuses: number[]): void
  /** Sends a request as the control plane's provision-http does. */
  ask(url: string, type: string | undefined, options?: AskOptions): Promise<Asked>
  /** Sends a request as the data plane's provision-http does. */
  askAsDataPlane(url: string, type: string, options?: AskOptions): Promise<Asked>
  /** Resolves with the accepted calls whose path ends with `ending`, once there are `count`. */
  until(ending: string, count?: number): Promise<ConnectorCall[]>
  close(): Promise<void>
}

export interface Asked {
  status: number
  transfer: string
  resource: string
  json: unknown
}

const policy = {
  permissions: [{ edctype: 'dataspaceconnector:permission', constraints: [{ a: [{ b: {} }] }] }],
}

/** Starts a connector with the behaviour that a provisioner sees. */
export async function startConnector(): Promise<Connector> {
  const calls: ConnectorCall[] = []
  const lost: string[] = []
  const waiting = new Set<string>()
  let failures: number[] = []
  const server = createServer((req, res) => {
    void text(req).then((body) => {
      const { url: path = '', headers } = req
      const transfer = [...waiting].find((id) => path.includes(`/${id}/`))
      if (transfer !== undefined) lost.push(transfer)
      // The connector locks a transfer while its request has no answer.
      const status = transfer === undefined ? (failures.shift() ?? 204) : 409
      calls.push({ path, headers, body: JSON.parse(body), status })
      res.writeHead(status).end()
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/management`
  const callbackAddress = `${url}/callback`

  async function send(api: string, transfer: string, options: AskOptions, body: unknown) {
    waiting.add(transfer)
    const answer = await fetch(`${api}${options.path ?? '/provision'}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8', ...options.headers },
      body: JSON.stringify(body),
    })
    const json: unknown = await answer.json()
    waiting.delete(transfer)
    return { status: answer.status, json }
  }

  return {
    callbackAddress,
    managementUrl: url,
    calls,
    lost,
    fail(...statuses) {
      failures = statuses
    },
    async ask(api, type, options = {}) {
      const { asset = 'asset', transfer = randomUUID(), resource = randomUUID() } = options
      const ids = { assetId: asset, transferProcessId: transfer, resourceDefinitionId: resource }
      const body = { ...ids, policy, callbackAddress, ...defined({ type }), ...options.body }
      return { transfer, resource, ...(await send(api, transfer, options, body)) }
    },
    async askAsDataPlane(api, type, options = {}) {
      const { transfer = randomUUID(), resource = randomUUID() } = options
      const body = { type, provisionResourceId: resource, flowId: transfer, callbackAddress, ...options.body }
      return { transfer, resource, ...(await send(api, transfer, options, body)) }
    },
    until: (ending, count = 1) =>
      eventually(() => acceptedCalls(calls, ending, count), { within: 20_000, every: 20 }),
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

function acceptedCalls(calls: readonly ConnectorCall[], ending: string, count: number): ConnectorCall[] {
  const found = calls.filter(({ path, status }) => path.endsWith(ending) && status < 300)
  if (found.length >= count) return found
  throw new Error(`${found.length} calls of ${ending}: ${JSON.stringify(calls)}`)
}
