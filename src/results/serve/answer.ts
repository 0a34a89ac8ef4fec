import type { Sink } from '../../util/sink.ts'

/** An answer that http/ sends unchanged. */
export interface Answer {
  status: 200 | 206 | 304 | 307
  headers: Record<string, string>
  /** Undefined if no body is sent, as for HEAD. */
  body?: Body
}

/**
 * Writes an answer's body to the sink; reads begin with the call. `replaceHeaders` is called before
 * the first chunk if the bytes decide on a header. Rejects if the body is incomplete.
 */
export type Body = (sink: Sink, replaceHeaders: ReplaceHeaders) => Promise<void>
export type ReplaceHeaders = (headers: Readonly<Record<string, string>>) => void

/** Results may be HTML or SVG: at this API's origin they must not run scripts or load resources. */
export const sandbox = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"

/** The headers of every answer with results. */
export function resultHeaders(state: string): Record<string, string> {
  return { 'Jobferry-Result-State': state, ...foreignFileHeaders() }
}

/** The headers of every answer with bytes that callers or workers made. */
export function foreignFileHeaders(): Record<string, string> {
  return {
    'Cache-Control': 'private, no-cache',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': sandbox,
  }
}
