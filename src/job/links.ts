import * as z from 'zod'
import { type Job, jobSchema } from './job.ts'

/** Addresses of a job's resources; relative unless PUBLIC_URL is set. */
export const linksSchema = z.strictObject({
  self: z.string(),
  log: z.string(),
  result_list: z.string(),
  result: z.string(),
  cancel: z.string(),
})

/** A job with its links, as answers show it. */
export const linkedJobSchema = z.strictObject({ ...jobSchema.shape, links: linksSchema })

export type Links = z.output<typeof linksSchema>
export type LinkedJob = z.output<typeof linkedJobSchema>

export function jobLinks(uuid: string, publicUrl = ''): Links {
  const self = `${publicUrl}/job/${uuid}`
  return {
    self,
    log: `${self}/log`,
    result_list: `${self}/result/list`,
    result: `${self}/result`,
    cancel: `${self}/cancel`,
  }
}

export function withLinks(job: Job, publicUrl?: string): LinkedJob {
  return { ...job, links: jobLinks(job.job_uuid, publicUrl) }
}
