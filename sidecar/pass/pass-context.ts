import type { ArtifactStore } from '../../src/store/store.ts'
import { Journals } from '../journal/journals.ts'
import { LayoutChoice } from '../pack/layout-choice.ts'
import { UploadProgress } from '../progress/upload-progress.ts'
import { outputFilter } from '../scan/output-filter.ts'
import type { StateDirectory } from '../state-directory.ts'
import { StoreCalls } from '../store/store-calls.ts'
import { UploadTracker } from '../store/upload-tracker.ts'
import { Buffers } from '../upload/buffers.ts'
import type { UploaderSettings } from '../uploader-settings.ts'
import { LinkedFiles } from './linked-files.ts'
import type { PassContext } from './pass.ts'

export type PassSettings = Pick<
  UploaderSettings,
  'job' | 'attempt' | 'resultDirectory' | 'limits' | 'resultLayout' | 'packing' | 'outputs'
>

/** What the passes of one program share. Open uploads of `store` are noted down in `state`. */
export function newPassContext(
  { job, attempt, resultDirectory, limits, resultLayout, packing, outputs }: PassSettings,
  state: StateDirectory,
  store: ArtifactStore,
): Omit<PassContext, 'words'> {
  const uploads = new UploadTracker(state)
  return {
    ...{ job, attempt, resultDirectory, limits, state, uploads },
    filter: outputFilter(outputs),
    required: outputs.required ?? [],
    links: new LinkedFiles(),
    layoutChoice: new LayoutChoice(resultLayout, packing),
    journals: new Journals(state),
    store: uploads.tracked(store),
    calls: new StoreCalls(store.name),
    buffers: new Buffers(),
    progress: new UploadProgress(),
  }
}
