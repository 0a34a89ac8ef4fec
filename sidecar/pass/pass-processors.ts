import { Packer } from '../pack/packer.ts'
import { type FileProcessor, type FileUploader, uploadAsIs } from '../upload/file-processor.ts'
import type { UploadContext } from '../upload/upload-context.ts'
import type { PassFileOptions } from '../upload/upload-file.ts'
import { LinkProcessor } from './link-processor.ts'
import type { LinkedFiles } from './linked-files.ts'

/** How the files of a pass reach the store. */
export interface PassUploads {
  /** For files that have an object each. */
  upload: FileUploader
  /** For objects that several files share. */
  shared: UploadContext
}

/**
 * The processors of a pass, in the order in which they are offered each file.
 */
export function processorsOf(
  { upload, shared }: PassUploads,
  options: PassFileOptions,
  packedBytes: number | undefined,
  links: LinkedFiles,
): FileProcessor[] {
  const asIs = uploadAsIs(upload, options)
  const others = packedBytes === undefined ? [] : [new Packer(shared, options, packedBytes, asIs)]
  return [new LinkProcessor(links, others, asIs), ...others, asIs]
}
