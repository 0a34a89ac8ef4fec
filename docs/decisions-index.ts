import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

export interface DecisionRecord {
  /** Relative to docs/decisions: `store/001-a-title.md` */
  path: string
  lines: string[]
}

const folder = join(import.meta.dirname, 'decisions')

export function decisionRecords(): DecisionRecord[] {
  return globSync('*/*.md', { cwd: folder })
    .sort()
    .map((path) => ({ path, lines: readFileSync(join(folder, path), 'utf8').trimEnd().split('\n') }))
}

/** docs/decisions/README.md: a list of the records by topic. */
export function decisionsIndex(records = decisionRecords()): string {
  const topics = [...new Set(records.map(({ path }) => dirname(path)))]
  const sections = topics.map((topic) => {
    const own = records.filter(({ path }) => dirname(path) === topic)
    return `## ${topic}\n\n${own.map(linkTo).join('\n')}\n`
  })
  return [introduction, ...sections].join('\n')
}

const introduction = `# Decisions

One record for each decision, by topic. A record has a title that states the decision, then context, decision,
consequences, evidence (a test by its path, a measurement with its date, an upstream issue) and, where there is one,
the earlier decision that it replaces; at most 40 lines. \`npm run docs\` writes this list.
`

function linkTo({ path, lines }: DecisionRecord): string {
  return `- [${basename(path).slice(0, 3)}](${path}) ${lines[0]?.replace(/^# /, '')}`
}
