import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { states } from '../job/job.ts'

/** What Prometheus reads at /metrics. */
export interface Metrics {
  /** The exposition, and its content type. */
  expose(): Promise<{ body: string; contentType: string }>
  deployed(): void
  /** A job's results were committed. */
  uploaded(result: { count: number; bytes: number; state: string }): void
  /** A job became final; `reason` is empty where it succeeded. */
  ended(job: { state: string; reason: string | null }): void
  /** A deleted job was let go before its record was in the store. */
  givenUp(): void
  /** Result bytes left for a caller: of one file, or of a tar. */
  downloaded(kind: 'file' | 'tar', bytes: number): void
  /** The janitor removed something. */
  removed(removal: { kind: string; bytes: number }): void
  /** A Problem was answered. */
  failed(code: string): void
  answered(request: { method: string; route: string; status: number; seconds: number }): void
}

/** Metrics of this process in a registry of their own; `countByState` is asked when they are read. */
export function createMetrics(countByState: () => Map<string, number>): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `jobferry_${name}`, help, labelNames, registers })
  const deploys = counter('deploys_total', 'Jobs deployed')
  const uploads = counter('uploads_total', 'Results committed, by their state', ['state'])
  const uploadEntries = counter('upload_entries_total', 'Entries in committed results')
  const uploadBytes = counter('upload_bytes_total', 'Bytes in committed results')
  const ended = counter('jobs_ended_total', 'Jobs that became final', ['state', 'reason'])
  const givenUp = counter('jobs_given_up_total', 'Deleted jobs that were let go before they were archived')
  const downloads = counter('downloads_total', 'Downloads of results', ['kind'])
  const downloadBytes = counter('download_bytes_total', 'Bytes of results sent', ['kind'])
  const removals = counter('janitor_removed_total', 'Removals without anybody asking, by kind', ['kind'])
  const removedBytes = counter('janitor_removed_bytes_total', 'Bytes of what was so removed', ['kind'])
  const errors = counter('errors_total', 'Problems answered, by code', ['code'])
  const durations = new Histogram({
    name: 'jobferry_http_request_duration_seconds',
    help: 'From a request to the end of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60, 600],
    registers,
  })
  new Gauge({
    name: 'jobferry_jobs',
    help: 'Live jobs, by state',
    labelNames: ['state'],
    registers,
    collect() {
      const counts = countByState()
      for (const state of states) this.set({ state }, counts.get(state) ?? 0)
    },
  })

  return {
    expose: async () => ({ body: await registry.metrics(), contentType: registry.contentType }),
    deployed: () => deploys.inc(),
    uploaded({ count, bytes, state }) {
      uploads.inc({ state })
      uploadEntries.inc(count)
      uploadBytes.inc(bytes)
    },
    ended: ({ state, reason }) => ended.inc({ state, reason: reason ?? '' }),
    givenUp: () => givenUp.inc(),
    downloaded(kind, bytes) {
      downloads.inc({ kind })
      downloadBytes.inc({ kind }, bytes)
    },
    removed({ kind, bytes }) {
      removals.inc({ kind })
      removedBytes.inc({ kind }, bytes)
    },
    failed: (code) => errors.inc({ code }),
    answered: ({ method, route, status, seconds }) => durations.observe({ method, route, status }, seconds),
  }
}
