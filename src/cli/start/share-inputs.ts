import type { JobRequest } from '../../client/index.ts'
import type { Session } from '../session/session.ts'
import { shareUploads } from './inputs/shared-uploads.ts'
import { withSources } from './inputs/with-sources.ts'
import type { Prepared } from './prepare.ts'

/** Lets `use` deploy several requests whose large inputs are sent once; one request is left as it is. */
export async function sharingInputs<T>(
  session: Session,
  prepared: Prepared,
  signal: AbortSignal | undefined,
  use: (prepared: Prepared) => Promise<T>,
): Promise<T> {
  const { requests, inputs } = prepared
  const [first, ...others] = requests
  // Inputs of a request would replace those of its configured job; files of a form do not.
  if (others.length === 0 || 'job' in first) return await use(prepared)
  const { sources, rest, remove } = await shareUploads(session, inputs.files, signal)
  const withShared = (request: JobRequest) => withSources(request, sources)
  const files = { ...inputs, files: rest, bytes: rest.reduce((sum, { size }) => sum + size, 0) }
  try {
    return await use({
      ...{ ...prepared, inputs: files },
      requests: [withShared(first), ...others.map(withShared)],
    })
  } finally {
    await remove()
  }
}
