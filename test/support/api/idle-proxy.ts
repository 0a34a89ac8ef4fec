import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface IdleProxy extends AsyncDisposable {
  url: string
  /** Number of answers that were cut or replaced by a 504 after the idle timeout. */
  readonly cuts: number
}

/** Starts an HTTP proxy with an idle timeout, as nginx's proxy_read_timeout (60 s by default). */
export async function startIdleProxy(target: string, milliseconds: number): Promise<IdleProxy> {
  let cuts = 0
  const server = createServer((req, res) => {
    const { method, headers, url = '/' } = req
    const upstream = request(new URL(url, target), { method, headers, agent: false }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(res)
    })
    upstream.setTimeout(milliseconds, () => {
      cuts += 1
      upstream.destroy()
      if (res.headersSent) res.destroy()
      else res.writeHead(504).end()
    })
    upstream.on('error', () => res.destroy())
    res.once('close', () => upstream.destroy())
    req.pipe(upstream)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get cuts() {
      return cuts
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
