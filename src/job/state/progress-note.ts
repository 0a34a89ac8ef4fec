import type { Attempt, Stored } from './observation.ts'

/** Which step runs, or is to start next; undefined without steps. */
export function runningNote({ steps = [] }: Attempt): string | undefined {
  const index = steps.findIndex(({ finishedAt }) => finishedAt === undefined)
  const step = steps[index]
  if (step === undefined) return undefined
  const place = `step \`${step.name}\` (${index + 1} of ${steps.length})`
  return step.startedAt === undefined ? `${place} is to start next` : place
}

/** How much a job that succeeded has left. */
export function storedNote(stored: Stored): string | undefined {
  if (stored === 'none' || stored.count === 0) return undefined
  const { count, bytes } = stored
  return `${count.toLocaleString('en-US')} ${count === 1 ? 'entry' : 'entries'}, ${amountText(bytes)} stored`
}

const units = ['bytes', 'kB', 'MB', 'GB', 'TB']

/** `58 bytes`, `4.1 GB`: powers of ten, as the uploader's progress. */
function amountText(bytes: number): string {
  const place = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  const value = bytes / 1000 ** place
  return `${value.toLocaleString('en-US', { maximumFractionDigits: place === 0 || value >= 100 ? 0 : 1 })} ${units[place]}`
}
