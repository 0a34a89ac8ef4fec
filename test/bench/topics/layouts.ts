import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { temporaryBucket, testStore } from '../../support/store/bucket.ts'
import type { Row, Run, Topic } from '../measure.ts'
import { grow, numbered, type Tree } from '../trees.ts'
import { upload } from './uploads.ts'

/**
 * Small files in packs against one object for each file, by count and size: shows from
 * which count and size `result_layout: auto` should pack. Buckets and folders stay
 * until the bench's end, see uploads.ts.
 */
export const layouts: Topic = {
  name: 'layouts',
  async *run({ rounds, only }) {
    for (const [count, kibibytes] of trees) {
      const what = `${count.toLocaleString('en-US')} × ${kibibytes} KiB, packed`
      if (what.includes(only)) yield await compare(what, numbered(count, kibibytes * 1024), rounds)
    }
  },
}

const trees = [
  [300, 4],
  [1000, 4],
  [3000, 4],
  [10_000, 4],
  [1000, 64],
  [1000, 256],
  [1000, 1024],
] as const

async function compare(what: string, files: Tree['files'], rounds: number): Promise<Row> {
  const folder = await mkdtemp(join(tmpdir(), 'jobferry-bench-'))
  const result = join(folder, 'result')
  await mkdir(result)
  await grow({ what, files }, result)
  const runs: Record<'files' | 'packed', Run[]> = { files: [], packed: [] }
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? (['files', 'packed'] as const) : (['packed', 'files'] as const)
    for (const layout of order) {
      const { name } = await temporaryBucket()
      runs[layout].push(await upload(folder, result, testStore(), name, layout))
    }
  }
  return { what, unit: 's', ours: runs.packed, peer: { name: 'an object each', runs: runs.files } }
}
