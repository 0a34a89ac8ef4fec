import type { Job } from '../job/job.ts'
import { createJson, putJson, readJson } from '../store/json-objects.ts'
import type { ArtifactStore } from '../store/store.ts'
import { messageOf } from '../util/errors.ts'
import type { Log } from '../util/log.ts'
import type { JobEndConsumer, JobEnds, WaitingConsumer } from './job-ends.ts'

/**
 * `tell` calls every consumer of a job's end. It rejects if a consumer did; the caller then repeats
 * it.
 */
export function createJobEnds(store: ArtifactStore, log: Log): JobEnds & { tell(job: Job): Promise<void> } {
  const consumers = new Map<string, JobEndConsumer>()

  async function list(uuid: string): Promise<WaitingConsumer[]> {
    const keys: string[] = []
    for await (const { key } of store.list(`jobs/${uuid}/consumers/`)) keys.push(key)
    const found = await Promise.all(keys.map((key) => read(key)))
    return found.filter((waiting) => waiting !== undefined)
  }

  async function read(key: string): Promise<WaitingConsumer | undefined> {
    const [, kind, id] = /\/consumers\/([A-Za-z0-9]+)-([A-Za-z0-9_.-]+)\.json$/.exec(key) ?? []
    if (kind === undefined || id === undefined) return undefined
    try {
      const data = await readJson(store, key)
      return data === undefined ? undefined : { kind, id, data }
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      log.error({ key }, 'a consumer of a job’s end can not be notified: its entry in the store is damaged')
      return undefined
    }
  }

  return {
    list,
    get: (uuid, waiting) => read(keyOf(uuid, waiting)),

    register(consumer) {
      consumers.set(consumer.kind, consumer)
    },

    async add(uuid, waiting) {
      await createJson(store, keyOf(uuid, waiting), waiting.data)
    },

    async replace(uuid, waiting) {
      await putJson(store, keyOf(uuid, waiting), waiting.data)
    },

    async remove(uuid, waiting) {
      await store.remove([keyOf(uuid, waiting)])
    },

    async tell(job) {
      const waiting = await list(job.job_uuid)
      const told = await Promise.allSettled(
        waiting.map(async (one) => {
          const consumer = consumers.get(one.kind)
          if (consumer !== undefined) return await consumer.jobEnded(job, one)
          log.error(
            { job: job.job_uuid, kind: one.kind },
            'this version has no consumer of that kind: it is not notified of the job’s end',
          )
        }),
      )
      const failed = told.filter((one) => one.status === 'rejected')
      if (failed.length > 0) throw new Error(failed.map(({ reason }) => messageOf(reason)).join('; '))
    },
  }
}

function keyOf(uuid: string, { kind, id }: Pick<WaitingConsumer, 'kind' | 'id'>): string {
  if (!/^[A-Za-z0-9]+$/.test(kind)) throw new Error(`invalid kind of consumer: ${kind}`)
  if (!/^[A-Za-z0-9_.-]{1,200}$/.test(id)) throw new Error(`invalid id of a consumer: ${id}`)
  return `jobs/${uuid}/consumers/${kind}-${id}.json`
}
