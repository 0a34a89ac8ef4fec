import { randomBytes } from 'node:crypto'
import { basename } from 'node:path'
import type { Session } from '../../session/session.ts'
import type { LocalFile } from './input-files.ts'
import type { SourceInput } from './with-sources.ts'

/** A request may name 24 uploads. */
const mostUploads = 16
/** Below it a file is sent faster with each request. */
const leastBytes = 1024 * 1024

export interface SharedUploads {
  sources: SourceInput[]
  /** Is sent with each request. */
  rest: LocalFile[]
  /** Jobs that were made keep the bytes. */
  remove(): Promise<void>
}

/** Sends the large files of several jobs once, as uploads with names of their own. */
export async function shareUploads(
  { out, client }: Session,
  files: readonly LocalFile[],
  signal?: AbortSignal,
): Promise<SharedUploads> {
  const large = files.filter(({ size }) => size >= leastBytes)
  const shared = large.sort((a, b) => b.size - a.size).slice(0, mostUploads)
  const prefix = `run-${randomBytes(6).toString('hex')}`
  const names: string[] = []
  const sources: SourceInput[] = []
  const totalBytes = shared.reduce((sum, { size }) => sum + size, 0)
  let bytes = 0
  const onSent = (sent: number) => {
    bytes += sent
    out.progress('uploading', { bytes, totalBytes })
  }
  const remove = async () => {
    for (const name of names.splice(0)) {
      await client()
        .deleteUpload(name)
        .catch(() => out.note(`jobferry inputs delete ${name}   # it could not be removed`))
    }
  }
  try {
    for (const [index, { name: to, open }] of shared.entries()) {
      // As long as the whole name may be.
      const name = `${prefix}-${index}-${basename(to)}`.slice(0, 80)
      names.push(name)
      const { from } = await client().putUpload(name, open, { onSent, signal })
      sources.push({ from, to })
    }
  } catch (error) {
    await remove()
    throw error
  } finally {
    out.endProgress()
  }
  return { sources, rest: files.filter((file) => !shared.includes(file)), remove }
}
