/** Keys of a job's objects in the store, below S3_PREFIX. */
export const jobKeys = {
  job: (uuid: string) => `jobs/${uuid}/`,
  record: (uuid: string) => `jobs/${uuid}/job.json`,
  stop: (uuid: string) => `jobs/${uuid}/stop`,
  input: (uuid: string, key: string) => `jobs/${uuid}/input/${key}`,
  inputList: (uuid: string, sha256: string) => `jobs/${uuid}/input-${sha256}.ndjson`,
  /** Which attempts have the results that a job waited for: a JSON object, by the jobs' uuids. */
  inputAttempts: (uuid: string) => `jobs/${uuid}/input-attempts.json`,
  /** Prefix of the keys above that begin with `input-`. */
  inputLists: (uuid: string) => `jobs/${uuid}/input-`,
  attempt: (uuid: string, attempt: string) => `jobs/${uuid}/${attempt}/`,
  file: (uuid: string, attempt: string, key: string) => `jobs/${uuid}/${attempt}/files/${key}`,
  checkpoints: (uuid: string, attempt: string) => `jobs/${uuid}/${attempt}/checkpoint/`,
  checkpoint: (uuid: string, attempt: string, number: number) =>
    `jobs/${uuid}/${attempt}/checkpoint/${String(number).padStart(8, '0')}.ndjson`,
  /** The last valid `values.json` of the attempt's worker. */
  values: (uuid: string, attempt: string) => `jobs/${uuid}/${attempt}/values.json`,
  manifest: (uuid: string, attempt: string) => `jobs/${uuid}/${attempt}/manifest.ndjson`,
  /** Of an attempt that another one followed, by its number; outlives the attempt's own folder. */
  earlierLog: (uuid: string, number: number, container: string) =>
    `jobs/${uuid}/log/${number}/${container}.txt`,
  earlierLogs: (uuid: string) => `jobs/${uuid}/log/`,
  /** Of the attempt that the record names. */
  log: (uuid: string, attempt: string, container: string) => `jobs/${uuid}/${attempt}/log/${container}.txt`,
  logs: (uuid: string, attempt: string) => `jobs/${uuid}/${attempt}/log/`,
  deliveries: (uuid: string) => `jobs/${uuid}/delivery/`,
  /**
   * What of an attempt's result is delivered elsewhere, in rounds from 1 on. The attempt is in the
   * key because a further job of the same Idempotency-Key has the same uuid.
   */
  deliveryRounds: (uuid: string, attempt: string) => `jobs/${uuid}/delivery/${attempt}/`,
  deliveryOrder: (uuid: string, attempt: string, round: number) =>
    `jobs/${uuid}/delivery/${attempt}/${padded(round)}/order.json`,
  deliveryState: (uuid: string, attempt: string, round: number) =>
    `jobs/${uuid}/delivery/${attempt}/${padded(round)}/state.json`,
} as const

function padded(number: number): string {
  return String(number).padStart(6, '0')
}
