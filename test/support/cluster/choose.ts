import { readdirSync } from 'node:fs'
import { succeeds } from '../run.ts'

/** The Kubernetes image that testcontainers runs. */
export const k3sImage = 'rancher/k3s:v1.34.1-k3s1'

export type Choice =
  /** KUBECONFIG and S3_* are set. */
  | { kind: 'given' }
  /** Docker answers and can pull images. */
  | { kind: 'containers' }
  /** test/cluster/up. */
  | { kind: 'own' }
  | { kind: 'none'; why: string }

export interface Facts {
  environment: NodeJS.ProcessEnv
  /** True for root on Linux with Go, which test/cluster/up needs. */
  canBringUp: boolean
  /** Resolves with true if Docker answers and has or can pull the image. */
  dockerCanPull: () => Promise<boolean>
}

/** Chooses the source of the tests' cluster and store. */
export async function choose({ environment, canBringUp, dockerCanPull }: Facts): Promise<Choice> {
  const missing = ['KUBECONFIG', 'S3_ENDPOINT', 'S3_ACCESS_KEY', 'S3_SECRET_KEY'].filter(
    (key) => !environment[key],
  )
  if (missing.length === 0) return { kind: 'given' }
  // A cluster without a store is a mistake: the tests must not
  // guess the rest and use a real cluster.
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
