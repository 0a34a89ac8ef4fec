/** An answer that http/ sends as it is. */
export interface Answer {
  status: 200 | 206 | 304
  headers: Record<string, string>
  /** Absent where there is none to send, to a HEAD too; nothing is read before it is iterated. */
  body?: AsyncGenerator<Buffer, void>
}

/** The fields of every answer about results. */
export function resultHeaders(state: string): Record<string, string> {
  return {
    'Jobferry-Result-State': state,
    'Cache-Control': 'private, no-cache',
    'X-Content-Type-Options': 'nosniff',
  }
}
