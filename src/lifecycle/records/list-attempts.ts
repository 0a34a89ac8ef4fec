import { jobKeys } from '../../result-format/job-keys.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { defined } from '../../util/objects.ts'

/** The UIDs of a job's attempts that have objects in the store. */
export async function listAttempts(store: ArtifactStore, uuid: string): Promise<string[]> {
  const attempts: string[] = []
  const prefix = jobKeys.job(uuid)
  for (let after: string | undefined; ; ) {
    const first = await firstKey(store, prefix, after)
    if (first === undefined) return attempts
    const name = first.slice(prefix.length).split('/', 1)[0] ?? ''
    const isFolder = first.length > prefix.length + name.length
    if (isFolder && /^[0-9a-f-]{36}$/.test(name)) attempts.push(name)
    // `0` is the character after `/`: the next listing begins behind the folder.
    after = isFolder ? `${prefix}${name}0` : first
  }
}

async function firstKey(store: ArtifactStore, prefix: string, after?: string): Promise<string | undefined> {
  const options = { expected: 1, ...defined({ after }) }
  for await (const { key } of store.list(prefix, options)) return key
  return undefined
}
