import { randomBytes } from 'node:crypto'
import { run } from '../run.ts'
import { eventually } from '../time/eventually.ts'
import { runLabel, testRun } from './test-run.ts'

/** Runs kubectl; resolves with its standard output, rejects with its standard error. */
export function kubectl(...args: string[]): Promise<string> {
  return run('kubectl', args)
}

/** Runs `kubectl … -o json`; resolves with the parsed output, whose type the caller names. */
export async function kubectlJson<T>(...args: string[]): Promise<T> {
  return JSON.parse(await kubectl(...args, '-o', 'json')) as T
}

/** Runs `kubectl apply` on manifests in YAML or JSON. */
export async function applyManifests(manifests: string, ...args: string[]): Promise<void> {
  await run('kubectl', ['apply', '-f', '-', ...args], { input: manifests })
}

export interface TemporaryNamespace extends AsyncDisposable {
  readonly name: string
  /** Requests the deletion of the namespace without a wait: the end of the test run waits. */
  remove(): Promise<void>
}

/** Creates a namespace at the Pod Security level `level`; resolves once it accepts pods. */
export async function temporaryNamespace(
  name = 'test',
  level: 'baseline' | 'restricted' = 'baseline',
): Promise<TemporaryNamespace> {
  const namespace = `${name}-${randomBytes(4).toString('hex')}`
  const labels = { [runLabel]: testRun(), 'pod-security.kubernetes.io/enforce': level }
  const metadata = { name: namespace, labels }
  // Created, not applied: an installation that applies its own
  // manifest must not remove these labels.
  const manifest = JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata })
  await run('kubectl', ['create', '-f', '-'], { input: manifest })
  // Kubernetes refuses pods until the namespace has its service account.
  await eventually(() => kubectl('-n', namespace, 'get', 'serviceaccount', 'default'), { within: 30_000 })
  const remove = async () => {
    await kubectl('delete', 'namespace', namespace, '--ignore-not-found', '--wait=false')
  }
  return { name: namespace, remove, [Symbol.asyncDispose]: remove }
}
