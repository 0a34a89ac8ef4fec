import { type IncomingHttpHeaders, request } from 'node:http'
import type { Readable } from 'node:stream'
import { checkAnswer } from './check-answer.ts'

export interface Call {
  method?: string
  path?: string
  headers?: Record<string, string>
  body?: string | Uint8Array | Readable | undefined
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  json(): unknown
}

/**
 * Sends one request unchanged on its own connection: fetch would repair many malformed requests.
 * Rejects if a JSON answer violates its schema.
 */
export async function call(
  url: string,
  { method = 'GET', path = '/', headers, body }: Call,
): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const req = request(
      { host: hostname, port, method, path, headers: headers ?? {}, agent: false },
      (res) => {
        const chunks: Buffer[] = []
        res.on('data', (chunk: Buffer) => chunks.push(chunk))
        res.on('error', reject)
        res.on('end', () => {
          const bytes = Buffer.concat(chunks)
          const answer = {
            status: res.statusCode ?? 0,
            headers: res.headers,
            body: bytes,
            json: () => JSON.parse(bytes.toString('utf8')),
          }
          req.destroy()
          try {
            checkAnswer(method, path, answer)
            resolve(answer)
          } catch (error) {
            reject(error)
          }
        })
      },
    )
    req.on('error', reject)
    if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) req.end(body)
    else body.pipe(req)
  })
}

/** A part of a form: a file if `filename` is given, else text. */
export interface FormPart {
  name: string
  filename?: string
  content: string | Uint8Array
}

const boundary = 'a-boundary-that-is-nowhere-else'

/** Headers and body of a `multipart/form-data` call; names are sent unescaped. */
export function form(...parts: FormPart[]): { headers: Record<string, string>; body: Buffer } {
  const bytes = parts.flatMap(({ name, filename, content }) => {
    const file = filename === undefined ? '' : `; filename="${filename}"`
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n`
    const type = filename === undefined ? '' : 'Content-Type: application/octet-stream\r\n'
    return [Buffer.from(`${head}${type}\r\n`), Buffer.from(content), Buffer.from('\r\n')]
  })
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat([...bytes, Buffer.from(`--${boundary}--\r\n`)]),
  }
}

/** A POST of JSON to /job/deploy. */
export function deployJson(request: unknown): Call {
  const body = typeof request === 'string' ? request : JSON.stringify(request)
  return { method: 'POST', path: '/job/deploy', headers: { 'content-type': 'application/json' }, body }
}

/** A POST of a form to /job/deploy. */
export function deployForm(...parts: FormPart[]): Call {
  return { method: 'POST', path: '/job/deploy', ...form(...parts) }
}
