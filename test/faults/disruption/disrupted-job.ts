import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import type { Entry } from '../../../src/result-format/entry.ts'
import { getJson, postJson } from '../../support/api/http.ts'
import { eventually } from '../../support/time/eventually.ts'

export async function deploy(url: string, request: object): Promise<string> {
  const { status, body } = await postJson(`${url}/job/deploy`, request)
  expect(status, JSON.stringify(body)).toBe(201)
  return String(body.job_uuid)
}

/** Expects exactly these files in the result list and in their downloads. */
export async function expectFiles(url: string, uuid: string, files: readonly [string, string][]) {
  const expected = files.toSorted(([a], [b]) => (a < b ? -1 : 1))
  const { files: listed } = await getJson<{ files: Entry[] }>(`${url}/job/${uuid}/result/list`)
  expect(listed.map(({ path, sha256 }) => [path, sha256])).toEqual(expected)
  for (const [path, digest] of expected) {
    const response = await fetch(`${url}/job/${uuid}/result?file=${path}`)
    expect(response.status).toBe(200)
    const hash = createHash('sha256')
    for await (const chunk of response.body ?? []) hash.update(chunk as Uint8Array)
    expect(hash.digest('hex')).toBe(digest)
  }
}

/** Waits until the job awaits attempt number `next` after a disruption; resolves with the job. */
export function untilAwaited(url: string, uuid: string, next: number): Promise<Job> {
  return eventually(
    async () => {
      const job = await getJson<Job>(`${url}/job/${uuid}`)
      expect(job.state).toBe('queued')
      expect(job.message).toContain(`attempt ${next} follows`)
      return job
    },
    { within: 60_000, every: 50 },
  )
}
