import type { Session } from '../session/session.ts'
import { type DeployCommandOptions, deploy } from './deploy.ts'

/** `jobferry submit`: prints the new job's id. */
export async function submit(
  session: Session,
  options: DeployCommandOptions,
  command: readonly string[],
): Promise<number> {
  const deployed = await deploy(session, options, command)
  if (session.out.json) session.out.value(deployed)
  else session.out.line(deployed.job_uuid)
  return 0
}
