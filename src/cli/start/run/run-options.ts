import type { DeployCommandOptions } from '../prepare.ts'

export interface RunOptions extends DeployCommandOptions {
  /** A folder; false with --no-output. */
  output?: string | false
  /** False with --no-log. */
  log: boolean
  parallel?: string
}
