import type { Dataset } from './datasets.ts'

/** Where a dataset's bytes are read once `uuid` has them: its file, or the tar. `publicUrl` has no slash at its end. */
export function datasetUrl(
  publicUrl: string,
  uuid: string,
  { file, format }: Pick<Dataset, 'file' | 'format'>,
): string {
  const result = `${publicUrl}/job/${uuid}/result`
  if (file !== undefined) return `${result}?file=${encodeURIComponent(file)}`
  return format === 'tar' ? result : `${result}?format=${format}`
}
