import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kubectl } from '../../support/cluster/cluster.ts'
import type { World } from './world.ts'

/**
 * Keeps what explains a wrong outcome, since the soak removes its namespace: the job's answer, the
 * APIs' log lines about it, its Jobs, pods and events. Resolves with the folder, which stays.
 */
export async function keepEvidence(world: World, uuid: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `soak-${uuid}-`))
  const get = (...words: string[]) =>
    kubectl('-n', world.where.namespace, 'get', ...words, '-o', 'yaml', '--show-managed-fields=false')
  const answer = async () => (await fetch(`${world.url()}/job/${uuid}`)).text()
  const lines = world.started.flatMap(({ log, pid }) =>
    log.filter((line) => line.includes(uuid)).map((line) => `${pid} ${line}`),
  )
  const files: Readonly<Record<string, () => Promise<string>>> = {
    'answer.json': answer,
    'api.log': async () => `${lines.join('\n')}\n`,
    'objects.yaml': () => get('jobs,pods', '-l', `jobferry.dev/job=${uuid}`),
    'events.txt': async () => {
      const all = await kubectl('-n', world.where.namespace, 'get', 'events', '--sort-by=.lastTimestamp')
      return all
        .split('\n')
        .filter((line) => line.includes(uuid))
        .join('\n')
    },
  }
  for (const [name, read] of Object.entries(files)) {
    // One that can't be read must not cost the others.
    await writeFile(join(folder, name), await read().catch((error: unknown) => String(error)))
  }
  return folder
}
