import type { Job } from '../job/job.ts'

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

/** A link to the next page, or null where this is the last one. */
export function nextLink(
  path: string,
  query: Readonly<Record<string, string | number | undefined>>,
  publicUrl = '',
): string | null {
  if (query.after === undefined) return null
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value))
  }
  return `${publicUrl}${path}?${search}`
}
