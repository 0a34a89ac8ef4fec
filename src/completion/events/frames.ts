import { isFinal, type Job } from '../../job/job.ts'

/** An event of a stream; `data` without line breaks. Without an id the reader's last one stays. */
export function frame({ id, name, data }: { id: string | undefined; name: string; data: string }): Buffer {
  return Buffer.from(`${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${data}\n\n`)
}

/** How a stream begins: where its reader is, and after how many milliseconds to come back when it breaks. */
export function opening(id?: string): Buffer {
  return Buffer.from(`retry: 2000\n${id === undefined ? '' : `id: ${id}\n`}\n`)
}

/** A comment: proxies cut silent connections. */
export const heartbeat = Buffer.from(':\n\n')

/** Told to whoever comes back with an id that isn't known (any more): what happened meanwhile has to be asked for. */
export const missed = frame({ id: undefined, name: 'reset', data: '{}' })

/** The same on every replica, whenever it is made. */
export function stateId(job: Job): string {
  return isFinal(job.state) ? 'final' : `${job.attempt?.number ?? 0}-${job.state}-${job.reason ?? ''}`
}
