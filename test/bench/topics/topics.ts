import type { Topic } from '../measure.ts'
import { beside } from './beside.ts'
import { downloads } from './downloads.ts'
import { ends } from './ends.ts'
import { get } from './get.ts'
import { layouts } from './layouts.ts'
import { programs } from './programs.ts'
import { scale } from './scale.ts'
import { uploads } from './uploads.ts'
import { waiters } from './waiters.ts'

/** All topics in the order of their run, each from its own file. */
export const topics: readonly Topic[] = [
  uploads,
  layouts,
  ends,
  beside,
  downloads,
  get,
  programs,
  scale,
  waiters,
]
