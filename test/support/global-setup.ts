import { messageOf } from '../../src/errors.ts'
import { choose, facts } from './choose.ts'
import { startContainers } from './containers.ts'
import { expectNothingLeft } from './leftovers.ts'
import { bringUpCluster, buildImage } from './own-cluster.ts'
import { testRun } from './test-run.ts'

const image = 'localhost/jobferry:dev'

/**
 * Gives the tests a cluster, a store and the image, as environment variables: KUBECONFIG, S3_ENDPOINT,
 * S3_ENDPOINT_FOR_PODS, S3_ACCESS_KEY, S3_SECRET_KEY, UPLOADER_IMAGE; where they can be had MINIO_IMAGE,
 * NODE_ADDRESS and AUDIT_LOG. The function that it returns checks that the tests left nothing behind.
 */
export default async function setUp(): Promise<() => Promise<void>> {
  testRun()
  const stop = await provide()
  return async () => {
    try {
      // In CI nobody else uses the cluster.
      await expectNothingLeft({ everywhere: Boolean(process.env.CI) })
    } catch (error) {
      // Vitest only logs what a teardown throws.
      console.error(`FAIL  after the tests: ${messageOf(error)}`)
      process.exitCode = 1
    } finally {
      await stop()
    }
  }
}

async function provide(): Promise<() => Promise<void>> {
  const choice = await choose(facts())
  if (choice.kind === 'none') throw new Error(`no cluster for the tests: ${choice.why}`)
  if (choice.kind === 'containers') {
    const containers = await startContainers(image)
    Object.assign(process.env, containers.settings)
    return containers.stop
  }
  if (choice.kind === 'own') Object.assign(process.env, await bringUpCluster())
  process.env.S3_ENDPOINT_FOR_PODS ||= process.env.S3_ENDPOINT ?? ''
  process.env.UPLOADER_IMAGE ||= await builtImage()
  return async () => {}
}

async function builtImage(): Promise<string> {
  // CONTAINERD_ADDRESS stands in the settings of test/cluster alone.
  if (!process.env.CONTAINERD_ADDRESS) {
    throw new Error('UPLOADER_IMAGE is not set: expected an image of this checkout that the cluster can pull')
  }
  await buildImage(image)
  return image
}
