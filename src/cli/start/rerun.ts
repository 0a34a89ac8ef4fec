import type { Session } from '../session/session.ts'
import type { DeployCommandOptions } from './prepare.ts'
import { fieldsOf } from './request/request.ts'

/** `jobferry rerun`: prints the new job's id. */
export async function rerun(
  { out, client }: Session,
  [id = '', ...command]: readonly string[],
  options: DeployCommandOptions & { from?: string },
): Promise<number> {
  const { idempotencyKey, from } = options
  const deployed = await client().rerun(id, await fieldsOf(options, command), { idempotencyKey, from })
  const { ignored = [] } = deployed
  if (ignored.length > 0) out.note(`no effect on this server: ${ignored.join(', ')}`)
  if (out.json) out.value(deployed)
  else out.line(deployed.job_uuid)
  return 0
}
