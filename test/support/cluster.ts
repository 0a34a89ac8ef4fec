import { randomBytes } from 'node:crypto'
import { eventually } from './eventually.ts'
import { run } from './run.ts'
import { runLabel, testRun } from './test-run.ts'

/** kubectl's standard output; rejects with its standard error. */
export function kubectl(...args: string[]): Promise<string> {
  return run('kubectl', args)
}

/** What `kubectl … -o json` prints; the caller names its shape. */
export async function kubectlJson<T>(...args: string[]): Promise<T> {
  return JSON.parse(await kubectl(...args, '-o', 'json')) as T
}

/** `kubectl apply` of manifests, YAML or JSON. */
export async function applyManifests(manifests: string, ...args: string[]): Promise<void> {
  await run('kubectl', ['apply', '-f', '-', ...args], { input: manifests })
}

export interface TemporaryNamespace extends AsyncDisposable {
  readonly name: string
  /** Asks for its removal with all that is in it, and doesn't wait: the end of the test run does. */
  remove(): Promise<void>
}

/** A namespace of the caller's own, ready for pods, at the Pod Security level `level`. */
export async function temporaryNamespace(
  name = 'test',
  level: 'baseline' | 'restricted' = 'baseline',
): Promise<TemporaryNamespace> {
  const namespace = `${name}-${randomBytes(4).toString('hex')}`
  const labels = { [runLabel]: testRun(), 'pod-security.kubernetes.io/enforce': level }
  const metadata = { name: namespace, labels }
  // Not applied: an installation that applies its own manifest over it must not take the labels away.
  const manifest = JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata })
  await run('kubectl', ['create', '-f', '-'], { input: manifest })
  // Pods are refused until the namespace has its service account.
  await eventually(() => kubectl('-n', namespace, 'get', 'serviceaccount', 'default'), { within: 30_000 })
  const remove = async () => {
    await kubectl('delete', 'namespace', namespace, '--ignore-not-found', '--wait=false')
  }
  return { name: namespace, remove, [Symbol.asyncDispose]: remove }
}
