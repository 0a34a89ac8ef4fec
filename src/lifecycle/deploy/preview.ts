import { randomUUID } from 'node:crypto'
import { inputConflicts } from '../../job/inputs/input-conflicts.ts'
import { invalidFields } from '../../util/errors.ts'
import { defined } from '../../util/objects.ts'
import { shownUrl } from '../../util/text/shown-url.ts'
import { checkTargets } from '../deliveries/check-targets.ts'
import type { Preview } from '../jobs.ts'
import { translateStoreErrors } from '../translate-store-errors.ts'
import type { DeploymentParts } from './deployment.ts'
import { findDependencies } from './find-dependencies.ts'
import { lookForSources, readableOf } from './find-sources.ts'
import { namedSecrets, sourceLines } from './input-sources.ts'
import { Inputs } from './inputs.ts'
import { awaitedResults } from './job-sources.ts'

export type PreviewParts = Pick<
  DeploymentParts,
  'backend' | 'store' | 'inputMaxBytes' | 'inputSources' | 'shelves' | 'findJob'
>

export function createPreview(parts: PreviewParts, caller: string | null): Preview {
  const { backend, store, inputMaxBytes: maxBytes } = parts
  const uuid = randomUUID()
  const inputs = new Inputs({ store, uuid, maxBytes, hashOnly: true })
  return {
    receiveInput: (name, stream) => inputs.receive(name, stream),

    async show(request) {
      const { inputs: references = [], ...kept } = request
      const { callback } = kept
      const errors = [
        ...inputConflicts(
          references,
          inputs.received.map(({ name }) => name),
        ),
      ]
      if (errors.length > 0) throw invalidFields(errors)
      const by = { ...parts, uuid, caller }
      checkTargets(kept.outputs?.deliver ?? [], parts.inputSources)
      const waiting = await findDependencies(request.depends_on ?? [], by)
      const found = await translateStoreErrors(() =>
        lookForSources(references, { ...by, awaited: waiting?.jobs ?? [] }),
      )
      const sources = sourceLines(references, parts.inputSources, request.input_timeout_seconds, found)
      const results = awaitedResults(found.attempts)
      return await backend.preview?.({
        uuid,
        // A Job has its request as an annotation, which the caller sees.
        request: { ...kept, ...(callback !== undefined && { callback: shownUrl(callback) }) },
        requestSha256: '',
        ...defined({
          madeBy: caller ?? undefined,
          secrets: namedSecrets(sources),
          readable: readableOf(found),
          waiting: waiting && { ...waiting, results },
        }),
        ...(request.inputs !== undefined && { readOnlyInputs: true }),
      })
    },
  }
}
