import type { Packing } from '../../result-format/result-layout.ts'
import type { JobRequest } from './request.ts'

/**
 * The uploader's variables for the layout; sidecar/read-uploader-settings.ts reads them. Jobs of
 * version 0.1 have requests without a layout, which means `files`.
 */
export function packingVariables(
  { result_layout: layout = 'files' }: Partial<Pick<JobRequest, 'result_layout'>>,
  { fileBytes, fromCount }: Packing,
): Record<string, string> {
  if (layout === 'files') return {}
  return {
    RESULT_LAYOUT: layout,
    PACK_FILE_BYTES: String(fileBytes),
    PACK_FROM_COUNT: String(fromCount),
  }
}
