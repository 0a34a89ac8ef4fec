import { busybox } from '../../support/api/on-cluster.ts'
import { writePatterned } from '../../support/files/patterned.ts'

/** A job of the soak and its expected outcome. */
export interface Work {
  kind: string
  /** The body of its deploy request. */
  request: object
  exitCode: number
  /** File name → size in bytes; the content derives from `seed`. */
  files: ReadonlyMap<string, number>
  seed: string
}

interface Kind {
  files: readonly [string, number][]
  /** Seconds before each file, and after the last file. */
  pause: number
  exitCode: number
  /** Each file is a step's; the last one ends with the exit code. */
  steps?: true
}

const mebibyte = 2 ** 20

const kinds: Readonly<Record<string, Kind>> = {
  small: { files: numbered(5, 4096), pause: 0.3, exitCode: 0 },
  empty: { files: [], pause: 1, exitCode: 0 },
  many: { files: numbered(300, 1000), pause: 0, exitCode: 0 },
  large: { files: [['large', 64 * mebibyte]], pause: 2, exitCode: 0 },
  slow: { files: numbered(4, 300_000), pause: 2, exitCode: 0 },
  steps: { files: numbered(4, 20_000), pause: 0.5, exitCode: 0, steps: true },
  'failing-steps': { files: numbered(3, 20_000), pause: 0.5, exitCode: 3, steps: true },
  failing: { files: numbered(3, 10_000), pause: 0.5, exitCode: 3 },
}

/** Makes work of the kind at `pick`, a number from 0 to below 1. */
export function workFor(seed: string, pick: number): Work {
  const all = Object.entries(kinds)
  const [kind, { files, pause, exitCode, steps: inSteps }] = all[Math.floor(pick * all.length)] ?? [
    'small',
    kinds.small as Kind,
  ]
  const wait = pause > 0 ? [`sleep ${pause}`] : []
  const parts = files.map(([name, size]) => [...wait, writePatterned(`/output/${name}`, seed, size)])
  const script = [...parts.flat(), ...wait, `exit ${exitCode}`].join('\n')
  return {
    kind,
    request: {
      ...(inSteps ? stepsOf(parts, exitCode) : busybox(script)),
      ...{ stop_grace_seconds: 3, labels: { soak: seed } },
    },
    exitCode,
    files: new Map(files),
    seed,
  }
}

/** A step for each part, and after a failing one another that must not run. */
function stepsOf(parts: readonly string[][], exitCode: number) {
  const { command: _, ...program } = busybox('')
  const steps = parts.map((part, index) => {
    const isLast = index === parts.length - 1
    const script = [...part, ...(isLast ? [`exit ${exitCode}`] : [])].join('\n')
    return { name: `part-${index}`, command: ['sh', '-c', script] }
  })
  const after = exitCode === 0 ? [] : [{ name: 'after', command: ['sh', '-c', 'echo > /output/after'] }]
  return { ...program, steps: [...steps, ...after] }
}

function numbered(count: number, size: number): [string, number][] {
  return Array.from({ length: count }, (_, index) => [`file-${index}`, size + index])
}
