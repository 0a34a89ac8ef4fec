import { createHash, randomUUID } from 'node:crypto'
import { text } from 'node:stream/consumers'
import type { JobBackend, JobPlan, ReadLogOptions } from '../../src/job/backend.ts'
import type { Leadership } from '../../src/job/leadership.ts'
import type { JobRequest } from '../../src/job/request/request.ts'
import type { Stop } from '../../src/job/state/observation.ts'

/** A backend, with a store that its uploaders reach and a shell for its workers. */
export interface BackendUnderTest {
  /** Already started. */
  backend: JobBackend
  leadership: Leadership
  /** Closes the backend, and replaces it and the leadership by new ones over the same jobs. */
  restart(): Promise<JobBackend>
  /** A request with the worker `sh -c <script>`, every default, and a `stop_grace_seconds` of 3. */
  request(script: string, fields?: Partial<JobRequest>): JobRequest
  /** Closes the backend and removes everything that it created. */
  close(): Promise<void>
}

export type Under = () => BackendUnderTest

/** A plan with a random uuid. */
export function planFor(request: JobRequest): JobPlan {
  const requestSha256 = createHash('sha256').update(JSON.stringify(request)).digest('hex')
  return { uuid: randomUUID(), request, requestSha256 }
}

export function stopAs(outcome: Stop['outcome']): Stop {
  return { outcome, cause: { reason: 'Canceled', message: `to be ${outcome}` }, at: Date.now() }
}

export async function readLog(backend: JobBackend, uuid: string, options: Partial<ReadLogOptions> = {}) {
  const log = await backend.log(uuid, { container: 'worker', ...options })
  return log === undefined ? undefined : await text(log.stream)
}
