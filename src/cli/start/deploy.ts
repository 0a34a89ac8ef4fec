import type { Deployed } from '../../client/index.ts'
import type { Session } from '../session/session.ts'
import { inputFiles } from './input-files.ts'
import { type RequestOptions, requestOf } from './request.ts'

export interface DeployCommandOptions extends RequestOptions {
  input?: string[]
  idempotencyKey?: string
}

/** Sends a request and its files; says what has no effect on this server. */
export async function deploy(
  { out, client }: Session,
  options: DeployCommandOptions,
  command: readonly string[],
  signal?: AbortSignal,
): Promise<Deployed> {
  const request = await requestOf(options, command)
  const { files, bytes: totalBytes } = await inputFiles(options.input ?? [])
  let bytes = 0
  const deployed = await client().deploy(request, {
    inputs: files,
    idempotencyKey: options.idempotencyKey,
    onSent(sent) {
      bytes += sent
      out.progress('uploading', { bytes, totalBytes })
    },
    signal,
  })
  out.endProgress()
  const { ignored = [] } = deployed
  if (ignored.length > 0) out.note(`no effect on this server: ${ignored.join(', ')}`)
  return deployed
}
