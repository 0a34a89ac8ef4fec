import { GenericContainer, Wait } from 'testcontainers'
import type { StoreAccess } from './bucket.ts'

/** Upstream's last image; without a registry, MINIO_IMAGE names an image that Docker has. */
const publicImage = 'minio/minio:RELEASE.2025-09-07T16-13-09Z'

export interface RunningMinio extends StoreAccess {
  /** Endpoint for other containers on Docker's default network. */
  endpointForContainers: string
  stop(): Promise<void>
}

/** Starts an empty MinIO in a container. */
export async function startMinio(): Promise<RunningMinio> {
  const accessKey = 'testaccess'
  const secretKey = 'testsecret'
  const container = await new GenericContainer(process.env.MINIO_IMAGE || publicImage)
    .withCommand(['server', '/data'])
    .withEnvironment({ MINIO_ROOT_USER: accessKey, MINIO_ROOT_PASSWORD: secretKey })
    .withExposedPorts(9000)
    .withWaitStrategy(Wait.forHttp('/minio/health/ready', 9000))
    .start()
  return {
    endpoint: `http://${container.getHost()}:${container.getMappedPort(9000)}`,
    endpointForContainers: `http://${container.getIpAddress('bridge')}:9000`,
    accessKey,
    secretKey,
    stop: async () => {
      await container.stop()
    },
  }
}
