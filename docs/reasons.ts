import { reasons } from '../src/job/job.ts'
import { reasonAdvice, reasonMeanings } from '../src/job/reason-meanings.ts'

/** docs/reasons.md: a row for each reason. */
export function reasonsDocument(): string {
  const rows = reasons.map(
    (reason) => `| \`${reason}\` | ${reasonMeanings[reason]} | ${reasonAdvice[reason]} |`,
  )
  const table = ['| reason | meaning | what to do |', '| --- | --- | --- |', ...rows].join('\n')
  return `${introduction}\n\n${table}\n`
}

const introduction = `# Reasons

The \`reason\` of a job that is held up, failed or was canceled is a word of this closed list. Its \`message\` has the
details: names, numbers, and the text of Kubernetes or the store. A reason that Kubernetes has too means here the same as there.

A job that can not start yet is \`queued\` or \`preparing\` with its reason. It starts by itself once the obstacle is gone. If
that takes longer than \`start_timeout_seconds\`, the job fails with that reason. If waiting can not help, as with \`InputInvalid\`,
the job fails at once.

This file is made by \`npm run docs\` from src/job/reason-meanings.ts.`
