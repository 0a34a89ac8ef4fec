import { messageOf } from '../../../src/util/errors.ts'
import { choose, facts } from './choose.ts'
import { startContainers } from './containers.ts'
import { expectNothingLeft, jobferryObjects } from './leftovers.ts'
import { bringUpCluster, buildImage } from './own-cluster.ts'
import { testRun } from './test-run.ts'

const image = 'localhost/jobferry:dev'

/**
 * Gives the tests a cluster, a store and the image, as environment variables: KUBECONFIG,
 * S3_ENDPOINT, S3_ENDPOINT_FOR_PODS, S3_ACCESS_KEY, S3_SECRET_KEY, UPLOADER_IMAGE; depending
 * on the source also MINIO_IMAGE, NODE_ADDRESS and AUDIT_LOG. The returned function checks
 * that the tests left nothing behind.
 */
export default async function setUp(): Promise<() => Promise<void>> {
  testRun()
  const stop = await provide()
  // In CI the cluster has no other users meanwhile, but earlier ones may have left something.
  const before = process.env.CI ? await jobferryObjects() : undefined
  return async () => {
    try {
      await expectNothingLeft(before)
    } catch (error) {
      // Vitest only logs an error that a teardown throws.
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
  // Only test/cluster sets CONTAINERD_ADDRESS.
  if (!process.env.CONTAINERD_ADDRESS) {
    throw new Error('UPLOADER_IMAGE is not set: expected an image of this checkout that the cluster can pull')
  }
  await buildImage(image)
  return image
}
