import { createServer, request } from 'node:http'
import { Transform } from 'node:stream'
import { listenForTest } from '../listen.ts'

export interface ProxyRules {
  /** The bytes of an answer to pass on; `url` is the request's path and query. */
  alter?: (chunk: Buffer, url: string) => Buffer
  /** Is awaited before each chunk of an answer is passed on. */
  hold?: (url: string) => Promise<void> | undefined
}

export interface TransformingProxy {
  url: string
  /** Bytes of answers that were passed on, by path without query. */
  readonly passed: Map<string, number>
}

/** Starts an HTTP proxy that alters or holds answers, until the test ends. */
export async function startTransformingProxy(
  target: string,
  { alter = (chunk) => chunk, hold }: ProxyRules,
): Promise<TransformingProxy> {
  const passed = new Map<string, number>()
  const server = createServer((req, res) => {
    const { method, headers, url = '/' } = req
    const path = url.replace(/\?.*/s, '')
    const upstream = request(new URL(url, target), { method, headers, agent: false }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      const pass = new Transform({
        async transform(chunk: Buffer, _, done) {
          await hold?.(url)
          passed.set(path, (passed.get(path) ?? 0) + chunk.length)
          done(null, alter(chunk, url))
        },
      })
      answer.pipe(pass).pipe(res)
    })
    upstream.on('error', () => res.destroy())
    res.once('close', () => upstream.destroy())
    req.pipe(upstream)
  })
  return { url: await listenForTest(server), passed }
}
