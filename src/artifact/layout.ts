/** Keys below S3_PREFIX: where each thing of a job lies in the store (contract: "The store"). */
export const layout = {
  job: (uuid: string) => `jobs/${uuid}/`,
  record: (uuid: string) => `jobs/${uuid}/job.json`,
  stop: (uuid: string) => `jobs/${uuid}/stop`,
  input: (uuid: string, key: string) => `jobs/${uuid}/input/${key}`,
  inputList: (uuid: string, sha256: string) => `jobs/${uuid}/input-${sha256}.ndjson`,
  /** What the names of all of its lists begin with. */
  inputLists: (uuid: string) => `jobs/${uuid}/input-`,
  attempt: (uuid: string, attempt: string) => `jobs/${uuid}/${attempt}/`,
  file: (uuid: string, attempt: string, key: string) => `jobs/${uuid}/${attempt}/files/${key}`,
  checkpoints: (uuid: string, attempt: string) => `jobs/${uuid}/${attempt}/checkpoint/`,
  checkpoint: (uuid: string, attempt: string, number: number) =>
    `jobs/${uuid}/${attempt}/checkpoint/${String(number).padStart(8, '0')}.ndjson`,
  manifest: (uuid: string, attempt: string) => `jobs/${uuid}/${attempt}/manifest.ndjson`,
  log: (uuid: string, attempt: string, container: string) => `jobs/${uuid}/${attempt}/log/${container}.txt`,
} as const
