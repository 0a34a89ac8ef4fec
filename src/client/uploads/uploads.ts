import { hasCode } from '../errors.ts'
import { streamOf } from '../http/stream-of.ts'
import type { Transport } from '../http/transport.ts'
import type { Upload, UploadPage } from '../types.ts'

export interface PutUploadOptions {
  /** Is told of the bytes that went out. */
  onSent?: (bytes: number) => void
  signal?: AbortSignal | undefined
}

/** The caller's uploads, in the order of their names. */
export async function* listUploads(
  transport: Transport,
  signal?: AbortSignal,
): AsyncGenerator<Upload, void, undefined> {
  for (let path: string | null = '/upload'; path !== null; ) {
    const page: UploadPage = await transport.json<UploadPage>(path, { signal })
    yield* page.uploads
    path = page.next
  }
}

/** Size in bytes and hex SHA-256 of what is kept under a name; undefined if nothing is. */
export async function uploadFacts(
  transport: Transport,
  name: string,
  signal?: AbortSignal,
): Promise<{ size: number; sha256: string } | undefined> {
  try {
    const { headers } = await transport.request(pathOf(name), { method: 'HEAD', repeat: true, signal })
    const [, sha256 = ''] = /^"(.*)"$/.exec(headers.get('etag') ?? '') ?? []
    return { size: Number(headers.get('content-length')), sha256 }
  } catch (error) {
    if (hasCode(error, 'not-found') || isBareNotFound(error)) return undefined
    throw error
  }
}

/** Keeps bytes under a name, in the place of earlier ones; `open` is called once for each attempt to send them. */
export async function putUpload(
  transport: Transport,
  name: string,
  open: () => AsyncIterable<Uint8Array>,
  { onSent, signal }: PutUploadOptions = {},
): Promise<Upload> {
  const headers = { 'content-type': 'application/octet-stream' }
  const body = () => streamOf(counted(open(), onSent))
  return await transport.json<Upload>(pathOf(name), { method: 'PUT', headers, body, repeat: true, signal })
}

export async function deleteUpload(transport: Transport, name: string, signal?: AbortSignal): Promise<void> {
  await transport.request(pathOf(name), { method: 'DELETE', repeat: true, signal })
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  sent: ((bytes: number) => void) | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk
    sent?.(chunk.length)
  }
}

/** An answer to HEAD has no body that says which. */
function isBareNotFound(error: unknown): boolean {
  return hasCode(error, 'unexpected-answer') && error.status === 404
}

function pathOf(name: string): string {
  return `/upload/${encodeURIComponent(name)}`
}
