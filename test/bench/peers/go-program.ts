import { access, mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../support/run.ts'

/**
 * Builds a program from its Go module once and keeps it below `~/.cache`; resolves with its path.
 */
export async function goProgram(name: string, packagePath: string, version: string): Promise<string> {
  const folder = join(homedir(), '.cache/jobferry-bench', version)
  const program = join(folder, name)
  try {
    await access(program)
  } catch {
    console.error(`bench: building ${name} from its Go module (once)`)
    await mkdir(folder, { recursive: true })
    const environment = ['CGO_ENABLED=0', `GOBIN=${folder}`]
    await run('env', [...environment, 'go', 'install', '-trimpath', `${packagePath}@${version}`])
  }
  return program
}
