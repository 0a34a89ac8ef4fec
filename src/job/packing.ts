import type { Packing } from '../artifact/result-layout.ts'
import type { JobRequest } from './request.ts'

/** What of an uploader's environment says how results lie in the store; sidecar/settings.ts reads it. */
export function packingVariables(
  { result_layout: layout = 'files' }: Pick<JobRequest, 'result_layout'>,
  { fileBytes, fromCount }: Packing,
): Record<string, string> {
  if (layout === 'files') return {}
  return {
    RESULT_LAYOUT: layout,
    PACK_FILE_BYTES: String(fileBytes),
    PACK_FROM_COUNT: String(fromCount),
  }
}
