import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/**
 * The proxy's behaviour on every connection, open connections included, from setFault() on:
 * - `refuse`: nothing listens
 * - `reset`: RST as soon as the client connects or sends
 * - `hang`: accepts connections and reads nothing
 * - `cut`: RST after `afterBytes` bytes of the request or the answer, for `times` connections
 *   (default: all), then it passes; 0 bytes of the answer loses the answer after the store has done
 *   the work
 * - `slow-down`: answers any request with S3's 503 SlowDown
 * - `throttle`: a limit in bytes a second, for each direction of each connection
 */
export type Fault =
  | { kind: 'pass' | 'refuse' | 'reset' | 'hang' | 'slow-down' }
  | { kind: 'cut'; direction: 'request' | 'answer'; afterBytes: number; times?: number }
  | { kind: 'throttle'; bytesPerSecond: number }

export interface FaultProxy {
  /** `http://<host>:<port>`, unchanged under every fault. */
  readonly url: string
  /** Number of connections accepted so far. */
  readonly accepted: number
  /** Bytes of requests passed on so far. */
  readonly requested: number
  setFault(fault: Fault): Promise<void>
  /**
   * Sets the fault at the first chunk of a request that matches
   * `request`, before that chunk; resolves then.
   */
  setFaultAt(request: RegExp, fault: Fault): Promise<void>
  /** Open connections stay open but pass no more bytes; new connections work. */
  muteOpenConnections(): void
  close(): Promise<void>
}

/**
 * Starts a TCP proxy in front of `target`, an http:// URL, at first without a fault. It listens on
 * `host`, which is NODE_ADDRESS if pods have to reach it.
 */
export async function startFaultProxy(target: string, host = '127.0.0.1'): Promise<FaultProxy> {
  const { hostname, port: targetPort } = new URL(target)
  const links = new Set<Link>()
  const state: State = { fault: { kind: 'pass' }, fired: 0, requested: 0 }
  let accepted = 0
  let server = listener()
  const port = await listen(server, 0, host)

  function listener(): Server {
    return createServer({ allowHalfOpen: true }, (client) => {
      accepted++
      const link = new Link(client, connect({ host: hostname, port: Number(targetPort) || 80 }), state)
      links.add(link)
      client.once('close', () => links.delete(link))
    })
  }

  const setFault = async (fault: Fault) => {
    Object.assign(state, { fault, fired: 0 })
    if (fault.kind === 'refuse' && server.listening) server.close()
    if (fault.kind !== 'refuse' && !server.listening) {
      server = listener()
      await listen(server, port, host)
    }
    for (const link of links) link.onFault()
  }
  return {
    url: `http://${host}:${port}`,
    get accepted() {
      return accepted
    },
    get requested() {
      return state.requested
    },
    setFault,
    setFaultAt: (request, fault) =>
      new Promise((resolve, reject) => {
        state.trap = { request, spring: () => void setFault(fault).then(resolve, reject) }
      }),
    muteOpenConnections: () => {
      for (const link of links) link.mute()
    },
    close: async () => {
      for (const link of links) link.cut()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    },
  }
}

type Direction = 'request' | 'answer'

interface State {
  fault: Fault
  /** Number of connections that the present fault has cut. */
  fired: number
  requested: number
  /** The request that sets the next fault. */
  trap?: { request: RegExp; spring: () => void }
}

/** One client's connection, and the proxy's connection to the target for it. */
class Link {
  readonly #client: Socket
  readonly #target: Socket
  readonly #state: State
  #passed = { request: 0, answer: 0 }
  #answered = false
  #muted = false

  constructor(client: Socket, target: Socket, state: State) {
    this.#client = client
    this.#target = target
    this.#state = state
    for (const socket of [client, target]) socket.on('error', () => this.cut()).setNoDelay(true)
    client.on('data', (chunk) => this.#pass('request', chunk, client, target))
    target.on('data', (chunk) => this.#pass('answer', chunk, target, client))
    client.once('end', () => target.end())
    target.once('end', () => client.end())
    client.once('close', () => target.destroy())
    this.onFault()
  }

  onFault(): void {
    this.#passed = { request: 0, answer: 0 }
    const { kind } = this.#state.fault
    if (kind === 'reset' || kind === 'refuse') this.cut()
    for (const socket of [this.#client, this.#target]) {
      if (kind === 'hang' || this.#muted) socket.pause()
      else socket.resume()
    }
  }

  mute(): void {
    this.#muted = true
    this.onFault()
  }

  cut(): void {
    this.#client.resetAndDestroy()
    this.#target.destroy()
  }

  #pass(direction: Direction, chunk: Buffer, from: Socket, to: Socket): void {
    if (direction === 'request' && this.#springs(chunk)) {
      // `hang` passes the chunk after its end; any other fault handles it at once.
      if (this.#state.fault.kind === 'hang') from.unshift(chunk)
      else this.#pass(direction, chunk, from, to)
      return
    }
    const { fault } = this.#state
    const left = this.#leftToPass(direction)
    if (fault.kind === 'slow-down') this.#refuseBusily()
    else if (left !== undefined && (left === 0 || chunk.byteLength > left)) {
      this.#cutBehind(to, chunk.subarray(0, left))
    } else {
      this.#passed[direction] += chunk.byteLength
      if (direction === 'request') this.#state.requested += chunk.byteLength
      const taken = to.write(chunk)
      if (fault.kind === 'throttle') delay(from, (chunk.byteLength / fault.bytesPerSecond) * 1000)
      else if (!taken) this.#waitForDrain(from, to)
    }
  }

  #springs(chunk: Buffer): boolean {
    const { trap } = this.#state
    if (trap === undefined || !trap.request.test(chunk.toString('latin1'))) return false
    delete this.#state.trap
    trap.spring()
    return true
  }

  /** Bytes until the present fault cuts this direction; undefined if it doesn't. */
  #leftToPass(direction: Direction): number | undefined {
    const { fault, fired } = this.#state
    if (fault.kind !== 'cut' || fault.direction !== direction || fired === fault.times) return undefined
    return fault.afterBytes - this.#passed[direction]
  }

  #waitForDrain(from: Socket, to: Socket): void {
    from.pause()
    to.once('drain', () => {
      if (this.#state.fault.kind !== 'hang' && !this.#muted) from.resume()
    })
  }

  #cutBehind(to: Socket, last: Buffer): void {
    this.#state.fired++
    for (const socket of [this.#client, this.#target]) socket.pause()
    // RST drops the bytes that the peer hasn't read yet, so it comes after a moment.
    to.write(last, () => setTimeout(() => this.cut(), 20))
  }

  #refuseBusily(): void {
    if (this.#answered) return
    this.#answered = true
    const body =
      '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>'
    const head = `HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: ${body.length}`
    this.#client.end(`${head}\r\nConnection: close\r\n\r\n${body}`)
    this.#target.destroy()
  }
}

function delay(socket: Socket, ms: number): void {
  socket.pause()
  setTimeout(() => socket.resume(), ms)
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  server.listen(port, host)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
