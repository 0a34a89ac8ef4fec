import { isFinal, type Job } from '../../job/job.ts'

/**
 * One event of a stream; `data` has no line breaks. Without `id` the reader keeps its last event
 * id.
 */
export function frame({ id, name, data }: { id: string | undefined; name: string; data: string }): Buffer {
  return Buffer.from(`${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${data}\n\n`)
}

/** The start of a stream: the delay before a reconnect, and the reader's position if given. */
export function opening(id?: string): Buffer {
  return Buffer.from(`retry: 2000\n${id === undefined ? '' : `id: ${id}\n`}\n`)
}

/** A comment line. Proxies close silent connections, so it is sent regularly. */
export const heartbeat = Buffer.from(':\n\n')

/** Sent to a reader whose last event id is unknown: it has to ask for the present state. */
export const missed = frame({ id: undefined, name: 'reset', data: '{}' })

/** The id of a job's present state; the same on every replica. */
export function stateId(job: Job): string {
  return isFinal(job.state) ? 'final' : `${job.attempt?.number ?? 0}-${job.state}-${job.reason ?? ''}`
}
