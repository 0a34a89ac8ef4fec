import { type ArtifactStore, isOccupied } from '../artifact/store.ts'
import { messageOf } from '../errors.ts'
import type { Job } from '../job/job.ts'
import type { Log } from '../log.ts'
import type { JobEndConsumer, JobEnds, Waiting } from './job-ends.ts'
import { putJson, readJson } from './json-objects.ts'

/** `tell` calls every consumer of a job that has ended; rejects where one did, and is then called again. */
export function createJobEnds(store: ArtifactStore, log: Log): JobEnds & { tell(job: Job): Promise<void> } {
  const consumers = new Map<string, JobEndConsumer>()

  async function list(uuid: string): Promise<Waiting[]> {
    const keys: string[] = []
    for await (const { key } of store.list(`jobs/${uuid}/consumers/`)) keys.push(key)
    const found = await Promise.all(keys.map((key) => read(key)))
    return found.filter((waiting) => waiting !== undefined)
  }

  async function read(key: string): Promise<Waiting | undefined> {
    const [, kind, id] = /\/consumers\/([A-Za-z0-9]+)-([A-Za-z0-9_.-]+)\.json$/.exec(key) ?? []
    if (kind === undefined || id === undefined) return undefined
    try {
      const data = await readJson(store, key)
      return data === undefined ? undefined : { kind, id, data }
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      log.error({ key }, 'who waits for a job can not be told: it is not what was written')
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
      try {
        await putJson(store, keyOf(uuid, waiting), waiting.data, { ifAbsent: true })
      } catch (error) {
        if (!isOccupied(error)) throw error
      }
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
          log.error({ job: job.job_uuid, kind: one.kind }, 'nothing here tells such a one of a job’s end')
        }),
      )
      const failed = told.filter((one) => one.status === 'rejected')
      if (failed.length > 0) throw new Error(failed.map(({ reason }) => messageOf(reason)).join('; '))
    },
  }
}

function keyOf(uuid: string, { kind, id }: Pick<Waiting, 'kind' | 'id'>): string {
  if (!/^[A-Za-z0-9]+$/.test(kind)) throw new Error(`no kind of consumer: ${kind}`)
  if (!/^[A-Za-z0-9_.-]{1,200}$/.test(id)) throw new Error(`no id of a consumer: ${id}`)
  return `jobs/${uuid}/consumers/${kind}-${id}.json`
}
