/** What bad clients are held to; docs/http.md tells it to users. Times in milliseconds. */
export interface Limits {
  /** From a connection's or a request's first byte to the end of its headers; silence counts too. */
  headers: number
  /** How often that is looked at. */
  check: number
  headerBytes: number
  headerFields: number
  /** In every such time a body brings at least `bodyBytes`, unless it is the API that doesn't read. */
  body: number
  bodyBytes: number
  /** How long the rest of a body is read and dropped after an answer that didn't need it. */
  rest: number
  /** How long a client may take nothing of an answer that waits for it. */
  reader: number
  /** How long a connection is kept for the next request. */
  keepAlive: number
  /** Requests that may wait on one connection for the answer before theirs. */
  pipelined: number
  connections: number
  /** Results that are sent at once: slow readers of a tar cost up to 1 MiB each, of a pod's 512 MiB. */
  downloads: number
}

export const defaultLimits: Limits = {
  headers: 20_000,
  check: 2_000,
  headerBytes: 16 * 1024,
  headerFields: 100,
  body: 60_000,
  bodyBytes: 60 * 1024,
  rest: 10_000,
  reader: 600_000,
  // Longer than proxies keep theirs (60 s at most by default), so that none sends into a closing connection.
  keepAlive: 75_000,
  pipelined: 100,
  connections: 10_000,
  downloads: 300,
}
