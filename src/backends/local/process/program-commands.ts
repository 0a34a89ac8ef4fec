import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * The command that runs the uploader below its own supervisor: of the sources, or of a bundle that
 * has both beside the module or one folder above. Throws if they are not found.
 */
export function uploaderCommand(node: string, moduleUrl: string): string[] {
  const [supervisor = '', program = ''] = find(moduleUrl, 'uploader', [
    ['../../../sidecar/supervise.sh', '../../../sidecar/main.ts'],
    ['./supervise.sh', './uploader.js'],
    ['../supervise.sh', '../uploader.js'],
  ])
  return ['sh', supervisor, node, program]
}

/** The command that delivers a result: the uploader's program, without its supervisor. */
export function deliveryCommand(node: string, moduleUrl: string): string[] {
  const [, , , program = ''] = uploaderCommand(node, moduleUrl)
  return [node, '--max-semi-space-size=2', program]
}

/** The command that runs the supervisor of an attempt, found in the same way. */
export function supervisorCommand(node: string, moduleUrl: string): string[] {
  const [program = ''] = find(moduleUrl, 'supervisor', [
    ['./supervisor/main.ts'],
    ['./supervisor.js'],
    ['../supervisor.js'],
  ])
  // Most of the time it waits: there is one for each running job.
  return [node, '--max-semi-space-size=1', '--optimize-for-size', program]
}

function find(moduleUrl: string, what: string, places: readonly string[][]): string[] {
  for (const place of places) {
    const paths = place.map((path) => fileURLToPath(new URL(path, moduleUrl)))
    if (paths.every((path) => existsSync(path))) return paths
  }
  throw new Error(`the ${what}'s program is not found near ${fileURLToPath(moduleUrl)}`)
}
