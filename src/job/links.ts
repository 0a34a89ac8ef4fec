import type { Job } from './job.ts'

export interface Links {
  self: string
  log: string
  result_list: string
  result: string
  cancel: string
}

/** A job as it is answered. */
export type LinkedJob = Job & { links: Links }

/** Where a job and all of it is found; relative unless `publicUrl` is given. */
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
