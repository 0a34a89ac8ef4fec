import { choose, facts } from '../cluster/choose.ts'
import { bringUpCluster } from '../cluster/own-cluster.ts'

/**
 * Makes startMinio() work: MINIO_IMAGE or Docker provides the
 * image, else test/cluster is brought up.
 */
export default async function setUp(): Promise<void> {
  if (process.env.MINIO_IMAGE) return
  const choice = await choose(facts())
  if (choice.kind === 'own') Object.assign(process.env, await bringUpCluster())
}
