import type { JobRequest } from '../job/request.ts'

/**
 * What a caller may not ask of child processes, since only a cluster has it; a configured job's own are ignored, so
 * that one file serves both. `result_directory` is among them: RESULT_DIRECTORY names a private folder here, and
 * what a caller's command would write elsewhere would silently be no result.
 */
export const clusterFields = [
  'image',
  'image_pull_secret',
  'image_pull_policy',
  'cpu',
  'memory',
  'gpu',
  'result_directory',
  'result_storage',
  'result_storage_class',
  'volumes',
  'node_selector',
  'tolerations',
  'priority_class',
  'service_account',
  'run_as_user',
] as const satisfies readonly (keyof JobRequest)[]

/** What a caller may give with LOCAL_ALLOW_COMMANDS alone: it runs as this program's own user. */
export const commandFields = ['command', 'args'] as const satisfies readonly (keyof JobRequest)[]
