import type { Dataset } from './datasets.ts'

/**
 * URL of the dataset's bytes in the job `uuid`: its file, or the tar. `publicUrl` has no trailing
 * slash.
 */
export function datasetUrl(
  publicUrl: string,
  uuid: string,
  { file, format }: Pick<Dataset, 'file' | 'format'>,
): string {
  const result = `${publicUrl}/job/${uuid}/result`
  if (file !== undefined) return `${result}?file=${encodeURIComponent(file)}`
  return format === 'tar' ? result : `${result}?format=${format}`
}
