import type { Job } from '../../client/index.ts'
import { bytesText, countText, durationText, shown, tableText } from '../terminal/format.ts'

/** A job for people, a line for each fact. */
export function jobText(job: Job): string {
  const { state, reason, message, exit_code, attempt, result, steps = [] } = job
  const facts: [string, string | undefined][] = [
    ['job', job.job_uuid],
    ['name', job.name],
    ['configured job', job.job ?? undefined],
    ['state', reason === null ? state : `${state}, ${reason}`],
    ['message', message ?? undefined],
    ['exit code', exit_code?.toString()],
    ['attempt', attempt?.number.toString()],
    ['created', job.created_at],
    ['started', job.started_at ?? undefined],
    ['finished', job.finished_at ?? undefined],
    ['result', resultText(result)],
    ...steps.map((step): [string, string] => {
      return [
        `step ${step.name}`,
        `${step.state}${step.exit_code === null ? '' : `, exit code ${step.exit_code}`}`,
      ]
    }),
  ]
  return tableText(facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, shown(value)]])))
}

/** Jobs for people, a line for each. */
export function jobTable(jobs: readonly Job[], now = Date.now()): string {
  const rows = jobs.map(({ job_uuid, state, reason, created_at, result, job, name }) => [
    job_uuid,
    reason === null ? state : `${state}, ${reason}`,
    `${durationText((now - Date.parse(created_at)) / 1000)} ago`,
    resultText(result) ?? '-',
    shown(name ?? job ?? '-'),
  ])
  return tableText([['JOB', 'STATE', 'CREATED', 'RESULT', 'NAME OR CONFIGURED JOB'], ...rows])
}

function resultText({ state, count, bytes }: Job['result']): string | undefined {
  if (state === null) return undefined
  return count === null || bytes === null
    ? state
    : `${state}, ${countText(count, 'entry', 'entries')}, ${bytesText(bytes)}`
}
