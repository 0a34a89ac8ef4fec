/** An answer that http/ sends as it is. */
export interface Answer {
  status: 200 | 206 | 304 | 307
  headers: Record<string, string>
  /**
   * Absent where there is none to send, to a HEAD too; nothing is read before it is iterated. A chunk is valid until the
   * next one is asked for.
   */
  body?: AsyncGenerator<Buffer, void>
}

/** What a job left may be HTML or SVG: no script of it ever runs as this API's reader, nor is anything loaded for it. */
export const sandbox = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"

/** The fields of every answer about results. */
export function resultHeaders(state: string): Record<string, string> {
  return {
    'Jobferry-Result-State': state,
    'Cache-Control': 'private, no-cache',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': sandbox,
  }
}
