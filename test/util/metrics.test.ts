import { expect, test } from 'vitest'
import { createMetrics } from '../../src/util/metrics.ts'

/** Dashboards and alerts use these names, so they must not change. */
const metricNames = [
  'jobferry_deploys_total',
  'jobferry_uploads_total',
  'jobferry_upload_entries_total',
  'jobferry_upload_bytes_total',
  'jobferry_jobs_ended_total',
  'jobferry_jobs_given_up_total',
  'jobferry_downloads_total',
  'jobferry_download_bytes_total',
  'jobferry_janitor_removed_total',
  'jobferry_janitor_removed_bytes_total',
  'jobferry_delivery_attempts_total',
  'jobferry_messages_total',
  'jobferry_broker_connections_total',
  'jobferry_errors_total',
  'jobferry_connections_refused_total',
  'jobferry_http_request_duration_seconds',
  'jobferry_jobs',
]

test('the metrics have the names that dashboards use', async () => {
  const metrics = createMetrics()
  metrics.showJobs(() => [['running', 2]])
  const { body, contentType } = await metrics.expose()
  const names = [...body.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1])
  expect(names).toEqual(metricNames)
  expect(body).toContain('jobferry_jobs{state="running"} 2')
  expect(contentType).toMatch(/^text\/plain/)
})

test('two servers in one process have separate metrics', async () => {
  const [one, other] = [createMetrics(), createMetrics()]
  one.deploys.inc()
  expect((await one.expose()).body).toContain('jobferry_deploys_total 1')
  expect((await other.expose()).body).toContain('jobferry_deploys_total 0')
})
