import type { JobRequest } from '../../../client/index.ts'

/** One input that the server fetches. */
export interface SourceInput {
  from: string
  to?: string
}

/** The request with further inputs beside those of its own. */
export function withSources(request: JobRequest, sources: readonly SourceInput[]): JobRequest {
  if (sources.length === 0) return request
  const own = Array.isArray(request.inputs) ? (request.inputs as unknown[]) : []
  return { ...request, inputs: [...own, ...sources] }
}
