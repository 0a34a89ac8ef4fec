import type { ArtifactStore } from '../src/store/store.ts'
import type { Log } from '../src/util/log.ts'
import { checkpointUntil } from './finalize/checkpoint-until.ts'
import type { GiveUpWatch } from './finalize/give-up.ts'
import { storeResults, troubleOf, type UploadOutcome } from './finalize/store-results.ts'
import { aborted } from './pause.ts'
import { countTree } from './progress/count-tree.ts'
import { Reporter } from './progress/reporter.ts'
import type { ResultsContext } from './results-context.ts'
import type { StateDirectory } from './state-directory.ts'
import { parseStop } from './store/stop-object.ts'
import type { UploaderSettings } from './uploader-settings.ts'
import type { Signals } from './uploader-signals.ts'
import { LiveUploader } from './while-running/live-uploader.ts'

/**
 * Uploads files that have settled while the worker runs, and the others after its end. `store` is
 * the store behind the context's, which tracks open uploads.
 */
export async function uploadResults(
  settings: UploaderSettings,
  context: ResultsContext,
  store: ArtifactStore,
  { terminated, stopSeen, endRequested, resumed }: Signals,
): Promise<UploadOutcome> {
  const { state, uploads, calls, log } = context
  const reporter = reporterOf(context)
  try {
    const cleaning = uploads.abortLeftOver(store, log, calls.halted)
    const speaking = context.words?.run(AbortSignal.any([terminated.signal, endRequested.signal]))
    const stopSignal = AbortSignal.any([stopSeen.signal, terminated.signal])
    if (settings.uploadWhileRunning && !stopSignal.aborted) {
      const live = new LiveUploader(context, stopSignal, settings.uploadTimeoutSeconds)
      context.live = live
      await live.run()
    }
    await aborted(stopSignal)
    const checkpointing = checkpointUntil(context, terminated.signal)
    await aborted(terminated.signal)
    await speaking
    reporter.storing()
    const watch = watchOf(settings, state, store, endRequested.signal, log)
    const ending = await storeResults(context, watch, resumed, checkpointing)
    // Before anything else: the API archives this log as soon as it has seen the manifest.
    if (ending.committed) log.info(ending.message, 'stored')
    await Promise.all([calls.halt(0), context.live?.halt(0)])
    await cleaning
    // Uploads that could not be aborted before, or were cut off just now: nothing removes them
    // later.
    if (ending.committed) await uploads.abortAll(store, log, AbortSignal.timeout(abortMs))
    return ending
  } finally {
    reporter.end()
  }
}

const abortMs = 2000

function reporterOf(context: ResultsContext): Reporter {
  const { progress, calls, current, resultDirectory, filter, log } = context
  return new Reporter({
    progress,
    trouble: () => troubleOf(context),
    obstacle: () => current.obstacle,
    countAll: () => countTree(resultDirectory, filter, calls.halted),
    log,
  })
}

function watchOf(
  settings: UploaderSettings,
  state: StateDirectory,
  store: ArtifactStore,
  endRequested: AbortSignal,
  log: Log,
): GiveUpWatch {
  return {
    store,
    job: settings.job,
    terminatingSince: state.terminatingSince ?? Date.now(),
    uploadTimeoutSeconds: settings.uploadTimeoutSeconds,
    stoppedBeforeEnd: state.stopSeenAt !== undefined,
    stepMayRun: settings.furtherSteps === true && state.stopSeenAt === undefined,
    endRequested,
    requestedStop: () => (state.end === undefined ? undefined : parseStop(state.end)),
    log,
  }
}
