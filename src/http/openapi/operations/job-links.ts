const ofOneJob = [
  'getJob',
  'cancelJob',
  'getLog',
  'followJob',
  'listCallbacks',
  'redeliverCallback',
  'listResult',
  'getResult',
  'deleteJob',
]

/** The calls for one job, whose uuid is this member of an answer. */
export function linksOfJob(member: string): Readonly<Record<string, string>> {
  return Object.fromEntries(ofOneJob.map((id) => [id, member]))
}
