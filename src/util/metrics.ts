import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

/**
 * The metrics of this process for Prometheus at /metrics, in their own registry. Modules that count
 * get this object: a new metric needs a line here and one at the place that counts.
 */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]

  function counter<Label extends string = never>(name: string, help: string, labelNames: Label[] = []) {
    return new Counter({ name: `jobferry_${name}`, help, labelNames, registers })
  }

  return {
    deploys: counter('deploys_total', 'Jobs deployed'),
    uploads: counter('uploads_total', 'Results committed, by their state', ['state']),
    uploadEntries: counter('upload_entries_total', 'Entries in committed results'),
    uploadBytes: counter('upload_bytes_total', 'Bytes in committed results'),
    endedJobs: counter('jobs_ended_total', 'Jobs that became final', ['state', 'reason']),
    givenUpJobs: counter('jobs_given_up_total', 'Deleted jobs that were let go before they were archived'),
    downloads: counter('downloads_total', 'Downloads of results', ['kind']),
    downloadBytes: counter('download_bytes_total', 'Bytes of results sent', ['kind']),
    removals: counter('janitor_removed_total', 'Removals by the janitor, by kind', ['kind']),
    removedBytes: counter('janitor_removed_bytes_total', 'Bytes removed by the janitor', ['kind']),
    deliveryAttempts: counter(
      'delivery_attempts_total',
      'Attempts to send a message, by its kind and state after it',
      ['kind', 'state'],
    ),
    messages: counter('messages_total', 'Messages of the queue, by type and what became of them', [
      'type',
      'outcome',
    ]),
    brokerConnections: counter('broker_connections_total', 'Connections made to the message broker'),
    problems: counter('errors_total', 'Problems answered, by code', ['code']),
    refusedConnections: counter(
      'connections_refused_total',
      'Connections closed because their address had too many',
    ),
    requestSeconds: new Histogram({
      name: 'jobferry_http_request_duration_seconds',
      help: 'From a request to the end of its answer',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60, 600],
      registers,
    }),

    /** Shows the number of live jobs in each state; `count` is called whenever metrics are read. */
    showJobs(count: () => Iterable<readonly [state: string, jobs: number]>): void {
      new Gauge({
        name: 'jobferry_jobs',
        help: 'Live jobs, by state',
        labelNames: ['state'],
        registers,
        collect() {
          for (const [state, jobs] of count()) this.set({ state }, jobs)
        },
      })
    },

    /** The text for Prometheus. */
    expose: async () => ({ body: await registry.metrics(), contentType: registry.contentType }),
  }
}
