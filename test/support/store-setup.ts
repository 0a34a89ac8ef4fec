import { choose, facts } from './choose.ts'
import { bringUpCluster } from './own-cluster.ts'

/** Makes sure that startMinio() works: Docker answers and can pull MinIO's image, or MINIO_IMAGE names one it has. */
export default async function setUp(): Promise<void> {
  if (process.env.MINIO_IMAGE) return
  const choice = await choose(facts())
  if (choice.kind === 'own') Object.assign(process.env, await bringUpCluster())
}
