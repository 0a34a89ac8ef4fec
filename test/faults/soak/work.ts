import { busybox } from '../../support/on-cluster.ts'
import { writePatterned } from '../../support/patterned.ts'

/** A job of the soak, with all that can be said of its end beforehand. */
export interface Work {
  kind: string
  /** What deploys it. */
  request: object
  exitCode: number
  /** Its files' sizes by name; their bytes follow from `seed`. */
  files: ReadonlyMap<string, number>
  seed: string
}

interface Kind {
  files: readonly [string, number][]
  /** Seconds before each file, and after the last. */
  pause: number
  exitCode: number
}

const mebibyte = 2 ** 20

const kinds: Readonly<Record<string, Kind>> = {
  small: { files: numbered(5, 4096), pause: 0.3, exitCode: 0 },
  empty: { files: [], pause: 1, exitCode: 0 },
  many: { files: numbered(300, 1000), pause: 0, exitCode: 0 },
  large: { files: [['large', 64 * mebibyte]], pause: 2, exitCode: 0 },
  slow: { files: numbered(4, 300_000), pause: 2, exitCode: 0 },
  failing: { files: numbered(3, 10_000), pause: 0.5, exitCode: 3 },
}

/** Work of a kind that `pick` (0 to 1) chooses. */
export function workFor(seed: string, pick: number): Work {
  const all = Object.entries(kinds)
  const [kind, { files, pause, exitCode }] = all[Math.floor(pick * all.length)] ?? [
    'small',
    kinds.small as Kind,
  ]
  const wait = pause > 0 ? [`sleep ${pause}`] : []
  const steps = files.flatMap(([name, size]) => [...wait, writePatterned(`/output/${name}`, seed, size)])
  const script = [...steps, ...wait, `exit ${exitCode}`].join('\n')
  return {
    kind,
    request: { ...busybox(script), stop_grace_seconds: 3, labels: { soak: seed } },
    exitCode,
    files: new Map(files),
    seed,
  }
}

function numbered(count: number, size: number): [string, number][] {
  return Array.from({ length: count }, (_, index) => [`file-${index}`, size + index])
}
