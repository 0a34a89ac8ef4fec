import { readdirSync } from 'node:fs'
import { succeeds } from './run.ts'

/** Kubernetes as testcontainers runs it. */
export const k3sImage = 'rancher/k3s:v1.34.1-k3s1'

export type Choice =
  /** KUBECONFIG and S3_* are set. */
  | { kind: 'given' }
  /** Docker answers and can pull. */
  | { kind: 'containers' }
  /** test/cluster/up. */
  | { kind: 'own' }
  | { kind: 'none'; why: string }

export interface Facts {
  environment: NodeJS.ProcessEnv
  /** Root on Linux with Go: test/cluster/up works. */
  canBringUp: boolean
  /** Whether Docker answers and has, or can pull, an image. */
  dockerCanPull: () => Promise<boolean>
}

/** Where the cluster and the store of the tests come from. */
export async function choose({ environment, canBringUp, dockerCanPull }: Facts): Promise<Choice> {
  const missing = ['KUBECONFIG', 'S3_ENDPOINT', 'S3_ACCESS_KEY', 'S3_SECRET_KEY'].filter(
    (key) => !environment[key],
  )
  if (missing.length === 0) return { kind: 'given' }
  // Half a choice is a mistake, and the other half would be guessed: a cluster that is dear to someone.
  if (environment.KUBECONFIG) return { kind: 'none', why: `KUBECONFIG is set, ${missing.join(', ')} not` }
  if (await dockerCanPull()) return { kind: 'containers' }
  if (canBringUp) return { kind: 'own' }
  return {
    kind: 'none',
    why: 'KUBECONFIG and S3_* are not set, Docker does not answer or can pull nothing, and this is not root on Linux with Go',
  }
}

export function facts(): Facts {
  return {
    environment: process.env,
    canBringUp: process.platform === 'linux' && process.getuid?.() === 0 && isInPath('go'),
    dockerCanPull: async () =>
      (await succeeds('docker', ['image', 'inspect', k3sImage], 10_000)) ||
      (await succeeds('docker', ['manifest', 'inspect', k3sImage], 20_000)),
  }
}

function isInPath(program: string): boolean {
  const folders = (process.env.PATH ?? '').split(':').filter((folder) => folder !== '')
  return folders.some((folder) => {
    try {
      return readdirSync(folder).includes(program)
    } catch {
      return false
    }
  })
}
