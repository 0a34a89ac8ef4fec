/**
 * Limits against slow or faulty clients; docs/http.md documents them. Times are in milliseconds.
 */
export interface ClientLimits {
  /**
   * Maximum time from a connection's or request's begin to the end of the headers; silence counts.
   */
  headers: number
  /** Interval at which the time for headers is checked. */
  check: number
  headerBytes: number
  headerFields: number
  /** Interval in which `bodyBytes` of a body must arrive, unless the API itself does not read. */
  body: number
  bodyBytes: number
  /** Time for which the rest of an unneeded body is read and dropped after the answer. */
  rest: number
  /** Time of waiting for a client to read in which it must read `readerBytes`. */
  reader: number
  readerBytes: number
  /** Time for which an idle connection is kept for the next request. */
  keepAlive: number
  /** Maximum of requests that wait on one connection for earlier answers. */
  pipelined: number
  connections: number
}

export const defaultLimits: ClientLimits = {
  headers: 20_000,
  check: 2_000,
  headerBytes: 16 * 1024,
  headerFields: 100,
  body: 60_000,
  bodyBytes: 60 * 1024,
  rest: 10_000,
  reader: 600_000,
  // The kernel takes bytes in lumps of up to this size: a smaller value would mean no other speed.
  readerBytes: 512 * 1024,
  // Longer than proxies keep connections (60 s by default), so that no request meets a closing one.
  keepAlive: 75_000,
  pipelined: 100,
  connections: 10_000,
}
