import type { Deployed } from '../../client/index.ts'
import type { Session } from '../session/session.ts'
import type { Prepared } from './prepare.ts'

/** Deploys one of the requests, by its index, with its files; says what has no effect on this server. */
export async function deploy(
  { out, client }: Session,
  { requests, inputs, idempotencyKey: key }: Prepared,
  index = 0,
  signal?: AbortSignal,
): Promise<Deployed> {
  const request = requests[index] ?? requests[0]
  const { files, bytes: totalBytes } = inputs
  let bytes = 0
  const deployed = await client().deploy(request, {
    inputs: files,
    idempotencyKey: key === undefined || requests.length === 1 ? key : `${key}-${index + 1}`,
    onSent(sent) {
      bytes += sent
      out.progress('uploading', { bytes, totalBytes })
    },
    signal,
  })
  out.endProgress()
  const { ignored = [] } = deployed
  // Of each of several jobs it is the same.
  if (ignored.length > 0 && index === 0) out.note(`no effect on this server: ${ignored.join(', ')}`)
  return deployed
}
