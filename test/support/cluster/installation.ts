import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { stringify } from 'yaml'
import { kubectl, temporaryNamespace } from './cluster.ts'
import { type PortForward, portForward } from './port-forward.ts'
import { given } from './test-run.ts'

export interface Installation extends AsyncDisposable {
  readonly namespace: string
  /** The API's base URL, through a port-forward to its Service. */
  readonly url: string
  /** Removes the whole installation, with any jobs that are left. */
  remove(): Promise<void>
}

/**
 * Installs manifests/dev with `kubectl apply -k` in a new namespace, from the image under test,
 * with `settings` added to its ConfigMap. Resolves once the API is ready.
 */
export async function install(settings: Record<string, string> = {}): Promise<Installation> {
  const namespace = await temporaryNamespace('installed')
  const overlay = await mkdtemp(join(tmpdir(), 'jobferry-overlay-'))
  let forward: PortForward
  try {
    const kustomization = stringify(overlayOf(namespace.name, overlay, settings), {
      aliasDuplicateObjects: false,
    })
    await writeFile(join(overlay, 'kustomization.yaml'), kustomization)
    await kubectl('apply', '-k', overlay)
    const within = ['-n', namespace.name, '--timeout=120s']
    await kubectl('rollout', 'status', 'deployment/minio', ...within)
    await kubectl('rollout', 'status', 'deployment/jobferry', ...within)
    forward = await portForward(namespace.name, 'service/jobferry', 8888)
  } catch (error) {
    await namespace.remove()
    throw error
  } finally {
    await rm(overlay, { recursive: true })
  }
  const remove = async () => {
    await forward.stop()
    await uninstall(namespace.name)
    await namespace.remove()
  }
  return { namespace: namespace.name, url: forward.url, remove, [Symbol.asyncDispose]: remove }
}

/** Ends the uploaders, which would wait an hour for the store, and removes the finalizers. */
async function uninstall(namespace: string): Promise<void> {
  const inNamespace = (...args: string[]) => kubectl('-n', namespace, ...args)
  await inNamespace('delete', 'deployment/jobferry', '--cascade=foreground', '--timeout=60s')
  // A kubelet keeps the first grace that it gets, so this comes before any other deletion.
  await inNamespace('delete', 'pods', '-l', 'jobferry.dev/job', '--grace-period=3', '--timeout=60s')
  const jobs = await inNamespace('get', 'jobs', '-o', 'name')
  for (const job of jobs.split('\n').filter(Boolean)) {
    await inNamespace('patch', job, '--type=merge', '-p', '{"metadata":{"finalizers":null}}')
  }
}

function overlayOf(namespace: string, folder: string, settings: Record<string, string>): object {
  const images = [
    { name: 'ghcr.io/jobferry/jobferry', ...newImage(given('UPLOADER_IMAGE')) },
    ...(process.env.MINIO_IMAGE ? [{ name: 'minio/minio', ...newImage(process.env.MINIO_IMAGE) }] : []),
  ]
  const literals = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  return {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace,
    // Kustomize accepts only relative folders.
    resources: [relative(folder, resolve('manifests/dev'))],
    images,
    ...(literals.length > 0 && {
      configMapGenerator: [{ name: 'jobferry-settings', behavior: 'merge', literals }],
    }),
  }
}

function newImage(image: string): { newName: string; newTag: string } {
  const colon = image.lastIndexOf(':')
  return { newName: image.slice(0, colon), newTag: image.slice(colon + 1) }
}
