import { createHash } from 'node:crypto'
import { jobKeys } from './job-keys.ts'

/** In the place of a job's UUID in the keys of contents; the owner is in that of its attempt. */
export const contentsJob = 'uploads'

/**
 * Keys of kept inputs (`PUT /upload/:name`) in the store. Their contents lie below `jobs/`, which is
 * all that an uploader's key may read; what is said of them lies where no uploader writes.
 */
export const uploadKeys = {
  /** Of all callers. */
  shelves: 'uploads/',
  shelf: (owner: string) => `uploads/${owner}/shelf.json`,
  /** Prefix: of all jobs that need a content. */
  uses: (owner: string, content: string) => `uploads/${owner}/uses/${content}/`,
  use: (owner: string, content: string, at: number, uuid: string) =>
    `uploads/${owner}/uses/${content}/${String(at).padStart(13, '0')}-${uuid}`,
  /** Prefix of all contents. */
  contents: jobKeys.job(contentsJob),
  content: (owner: string, content: string) => jobKeys.file(contentsJob, owner, content),
} as const

/** The folder of a caller's uploads. `caller`: the name of the token; null for callers without one. */
export function ownerOf(caller: string | null): string {
  return createHash('sha256').update(JSON.stringify(caller)).digest('hex').slice(0, 16)
}

/** The owner and the content of a content's key, or of a use's with time and job; undefined for any other. */
export function parseUploadKey(
  key: string,
): { owner: string; content: string; at?: number; uuid?: string } | undefined {
  const file = /^jobs\/uploads\/([0-9a-f]{16})\/files\/([0-9a-f]{16})$/.exec(key)
  if (file !== null) return { owner: file[1] ?? '', content: file[2] ?? '' }
  const use = /^uploads\/([0-9a-f]{16})\/uses\/([0-9a-f]{16})\/(\d{13})-([0-9a-f-]{36})$/.exec(key)
  if (use === null) return undefined
  return { owner: use[1] ?? '', content: use[2] ?? '', at: Number(use[3]), uuid: use[4] ?? '' }
}
