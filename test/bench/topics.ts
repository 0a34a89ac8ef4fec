import { beside } from './beside.ts'
import { downloads } from './downloads.ts'
import { ends } from './ends.ts'
import type { Topic } from './measure.ts'
import { programs } from './programs.ts'
import { scale } from './scale.ts'
import { uploads } from './uploads.ts'
import { waiters } from './waiters.ts'

/** In the order in which they are run; each is a file of its own. */
export const topics: readonly Topic[] = [uploads, ends, beside, downloads, programs, scale, waiters]
