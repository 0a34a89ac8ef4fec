import type { Session } from '../../session/session.ts'
import { prepare, showPrepared } from '../prepare.ts'
import { runOne } from './run-one.ts'
import type { RunOptions } from './run-options.ts'
import { runSeveral } from './run-several.ts'

/** `jobferry run`: ends with the worker's exit code; of several jobs, with that of the first that has not succeeded. */
export async function run(
  session: Session,
  options: RunOptions,
  command: readonly string[],
): Promise<number> {
  const prepared = await prepare(options, command)
  if (options.debug) return showPrepared(session.out, prepared)
  return options.payloads === undefined
    ? await runOne(session, options, prepared)
    : await runSeveral(session, options, prepared)
}
