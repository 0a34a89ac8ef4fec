import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * The command that runs the uploader below its supervisor: from the sources, or from a bundle where both lie beside
 * the module or one folder above. Throws where they are nowhere.
 */
export function uploaderCommand(node: string, moduleUrl: string): string[] {
  const places = [
    ['../../sidecar/supervise.sh', '../../sidecar/main.ts'],
    ['./supervise.sh', './uploader.js'],
    ['../supervise.sh', '../uploader.js'],
  ]
  for (const place of places) {
    const [supervisor = '', program = ''] = place.map((path) => fileURLToPath(new URL(path, moduleUrl)))
    if (existsSync(supervisor) && existsSync(program)) return ['sh', supervisor, node, program]
  }
  throw new Error(`the uploader's program is not found near ${fileURLToPath(moduleUrl)}`)
}
