import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { K3sContainer } from '@testcontainers/k3s'
import { run } from '../run.ts'
import { startMinio } from '../store/minio.ts'
import { k3sImage } from './choose.ts'

export interface ContainerEnvironment {
  settings: Record<string, string>
  stop(): Promise<void>
}

/** Starts k3s and MinIO in Docker, and loads the image of this checkout into k3s. */
export async function startContainers(image: string): Promise<ContainerEnvironment> {
  console.log('tests: starting k3s and MinIO in Docker')
  const folder = await mkdtemp(join(tmpdir(), 'jobferry-test-'))
  const [minio, k3s] = await Promise.all([startMinio(), new K3sContainer(k3sImage).start()])
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, k3s.getKubeConfig(), { mode: 0o600 })
  const archive = join(folder, 'image.tar')
  await run('docker', ['build', '--tag', image, '.'])
  await run('docker', ['save', '--output', archive, image])
  await k3s.copyFilesToContainer([{ source: archive, target: '/image.tar' }])
  const imported = await k3s.exec(['ctr', '--namespace', 'k8s.io', 'images', 'import', '/image.tar'])
  if (imported.exitCode !== 0) throw new Error(`k3s refused the image: ${imported.output}`)
  return {
    settings: {
      KUBECONFIG: kubeconfig,
      S3_ENDPOINT: minio.endpoint,
      S3_ENDPOINT_FOR_PODS: minio.endpointForContainers,
      S3_ACCESS_KEY: minio.accessKey,
      S3_SECRET_KEY: minio.secretKey,
      NODE_ADDRESS: k3s.getIpAddress('bridge'),
      UPLOADER_IMAGE: image,
    },
    stop: async () => {
      await Promise.all([minio.stop(), k3s.stop()])
      await rm(folder, { recursive: true, force: true })
    },
  }
}
