import type { Job, Transition, Usage } from '../../client/index.ts'
import { bytesText, countText, durationText, shown, tableText } from '../terminal/format.ts'

/** A job for people, a line for each fact. */
export function jobText(job: Job): string {
  const { state, reason, message, exit_code, attempt, result, steps = [], history = [], usage } = job
  const facts: Fact[] = [
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
  const all = [...facts, ...(usage ? usageFacts(usage) : []), ...historyFacts(history)]
  return tableText(all.flatMap(([name, value]) => (value === undefined ? [] : [[name, shown(value)]])))
}

type Fact = [string, string | undefined]

/** `4 s queued, 12 s running`, and what else is known. */
function usageFacts(usage: Usage): Fact[] {
  const times = (['queued', 'pulling', 'fetching', 'running', 'storing'] as const).flatMap((what) => {
    const seconds = usage[`${what}_seconds`]
    return seconds === null ? [] : [`${durationText(seconds)} ${what}`]
  })
  const { input_bytes: input, output_bytes: output, peak_memory_bytes: memory, cpu_seconds: cpu } = usage
  const amounts = [
    input === null ? [] : `${bytesText(input)} in`,
    output === null ? [] : `${bytesText(output)} out`,
    memory === null ? [] : `${bytesText(memory)} of memory`,
    cpu === null ? [] : `${cpu} s of CPU`,
  ].flat()
  const images = [...new Set(usage.images?.filter((image) => image !== null))]
  return [
    ['times', times.join(', ') || undefined],
    ['used', amounts.join(', ') || undefined],
    ['node', usage.node ?? undefined],
    ...images.map((image): Fact => ['image', image]),
  ]
}

/** A line for each transition, with the time since the one before. */
function historyFacts(history: readonly Transition[]): Fact[] {
  return history.map(({ time, state, step, attempt, reason }, index): Fact => {
    const before = history[index - 1]
    const passed = before && `${durationText((Date.parse(time) - Date.parse(before.time)) / 1000)} later`
    const what = [
      step === undefined ? state : `${state} ${step}`,
      attempt !== null && attempt > 1 ? `attempt ${attempt}` : [],
      reason ?? [],
    ].flat()
    return [index === 0 ? 'history' : '', [time, what.join(', '), passed].filter(Boolean).join('  ')]
  })
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
