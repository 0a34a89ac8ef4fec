import type { CatalogueJob, CatalogueParameter } from '../../client/index.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import type { Session } from '../session/session.ts'
import { shown, tableText } from '../terminal/format.ts'

/** `jobferry jobs`: the configured jobs, or one of them with its parameters. */
export async function showCatalogue({ out, client }: Session, name: string | undefined): Promise<number> {
  const jobs = await client().catalog()
  if (name === undefined) {
    if (out.json) out.value({ jobs })
    else out.line(tableText([['JOB', 'PARAMETERS', 'TITLE'], ...jobs.map(rowOf)]))
    return 0
  }
  const job = jobs.find((one) => one.name === name)
  if (job === undefined) {
    const known = jobs.map((one) => one.name).join(', ') || 'none'
    throw new CommandError(exitCodes.unknown, `there is no configured job ${name}; there are ${known}`)
  }
  if (out.json) out.value(job)
  else out.line(jobText(job))
  return 0
}

function rowOf({ name, title, parameters }: CatalogueJob): string[] {
  return [name, Object.keys(parameters).join(',') || '-', shown(title ?? '')]
}

function jobText({ name, title, description, parameters, locked }: CatalogueJob): string {
  const facts = [
    ['job', name],
    ['title', title],
    ['description', description],
    ...Object.entries(parameters).map(([parameter, rules]) => [`--param ${parameter}`, rulesText(rules)]),
    ['locked', locked.join(', ') || null],
  ]
  return tableText(facts.flatMap(([fact = '', value]) => (value ? [[fact ?? '', shown(value)]] : [])))
}

/** `integer, from 1 to 9, default 3: number of rounds` */
function rulesText(rules: CatalogueParameter): string {
  const { type, minimum, maximum, pattern, required, description } = rules
  const facts = [
    rules.enum === undefined ? type : `one of ${rules.enum.join(', ')}`,
    ...(minimum === undefined ? [] : [`at least ${minimum}`]),
    ...(maximum === undefined ? [] : [`at most ${maximum}`]),
    ...(pattern === undefined ? [] : [`matching ${pattern}`]),
    ...(rules.default === undefined ? [] : [`default ${rules.default}`]),
    ...(required ? ['required'] : []),
  ]
  return `${facts.join(', ')}${description === undefined ? '' : `: ${description}`}`
}
