/** The head of an HTTP/1.1 answer (RFC 9112, sections 4 and 5). */
export interface HttpHead {
  status: number
  /** Names in lower case; values of a repeated name are joined by `, `. */
  headers: ReadonlyMap<string, string>
  /** Offset of the body's first byte. */
  end: number
}

/** The answer is in a form that this parser does not know, such as HTTP/1.0; undici may know it. */
export class UnknownAnswer extends Error {
  override name = 'UnknownAnswer'
}

/** The head at the beginning of `bytes`; undefined while it is incomplete. Throws UnknownAnswer. */
export function parseHead(bytes: Buffer): HttpHead | undefined {
  const last = bytes.indexOf('\r\n\r\n')
  if (last === -1) return undefined
  const [first = '', ...lines] = bytes.toString('latin1', 0, last).split('\r\n')
  const status = /^HTTP\/1\.1 ([1-9]\d\d)(?: |$)/.exec(first)?.[1]
  if (status === undefined) throw new UnknownAnswer('the answer does not begin as one of HTTP/1.1 does')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const [, name, value = ''] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? []
    if (name === undefined) throw new UnknownAnswer('a line of the head of the answer is no field')
    const key = name.toLowerCase()
    const before = headers.get(key)
    headers.set(key, before === undefined ? value : `${before}, ${value}`)
  }
  return { status: Number(status), headers, end: last + 4 }
}

/**
 * The head of a request. Throws if a value has a line break: it could inject a header or request.
 */
export function requestHead(method: string, path: string, headers: Readonly<Record<string, string>>): string {
  let text = `${method} ${path} HTTP/1.1\r\n`
  if (/[\r\n ]/.test(path)) throw new Error('a request with a line break in it')
  for (const [name, value] of Object.entries(headers)) {
    if (/[\r\n\0]/.test(value)) throw new Error('a request with a line break in it')
    text += `${name}: ${value}\r\n`
  }
  return `${text}\r\n`
}

/** The body's length in bytes by Content-Length; undefined if the body is framed in another way. */
export function bodyLength({ status, headers }: HttpHead): number | undefined {
  if (status < 200 || status === 204 || status === 304) return undefined
  if (headers.has('transfer-encoding') || headers.has('content-encoding')) return undefined
  const length = headers.get('content-length') ?? ''
  return /^\d{1,15}$/.test(length) ? Number(length) : undefined
}
