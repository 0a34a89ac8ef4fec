import type { ArtifactStore } from '../../src/artifact/store.ts'
import type { Log } from '../../src/log.ts'
import { Early } from '../early/early.ts'
import { aborted } from '../pause.ts'
import { countTree } from '../progress/count-tree.ts'
import { Reporter } from '../progress/reporter.ts'
import type { UploaderSettings } from '../settings.ts'
import type { Signals } from '../signals.ts'
import type { StateDirectory } from '../state-directory.ts'
import { parseStop } from '../store/stop-object.ts'
import { checkpointUntil } from './checkpoint-until.ts'
import type { Watch } from './give-up.ts'
import { type Ending, type StoringContext, storeResults, troubleOf } from './store-results.ts'

/**
 * Brings what is settled into the store while the worker runs, and the rest once it has ended. `store` is the one behind
 * the context's, which keeps count of open uploads.
 */
export async function bringAll(
  settings: UploaderSettings,
  context: StoringContext,
  store: ArtifactStore,
  { terminated, stopSeen, told, resumed }: Signals,
): Promise<Ending> {
  const { state, uploads, calls, log } = context
  const reporter = reporterOf(context)
  try {
    const cleaning = uploads.abortLeftOver(store, log, calls.halted)
    const shortOfTime = AbortSignal.any([stopSeen.signal, terminated.signal])
    if (settings.uploadWhileRunning && !shortOfTime.aborted) {
      const early = new Early(context, shortOfTime, settings.uploadTimeoutSeconds)
      context.early = early
      await early.run()
    }
    await aborted(shortOfTime)
    const checkpointing = checkpointUntil(context, terminated.signal)
    await aborted(terminated.signal)
    reporter.storing()
    const watch = watchOf(settings, state, store, told.signal, log)
    const ending = await storeResults(context, watch, resumed, checkpointing)
    // At once: the API archives this log as soon as it has seen the manifest.
    if (ending.committed) log.info(ending.message, 'stored')
    await Promise.all([calls.halt(0), context.early?.halt(0)])
    await cleaning
    // What could not be dropped before, or was cut off just now: after this nobody looks for it any more.
    if (ending.committed) await uploads.abortAll(store, log, AbortSignal.timeout(dropMs))
    return ending
  } finally {
    reporter.end()
  }
}

const dropMs = 2000

function reporterOf(context: StoringContext): Reporter {
  const { progress, calls, current, resultDirectory, log } = context
  return new Reporter({
    progress,
    trouble: () => troubleOf(context),
    obstacle: () => current.obstacle,
    countAll: () => countTree(resultDirectory, calls.halted),
    log,
  })
}

function watchOf(
  settings: UploaderSettings,
  state: StateDirectory,
  store: ArtifactStore,
  told: AbortSignal,
  log: Log,
): Watch {
  return {
    store,
    job: settings.job,
    terminatingSince: state.terminatingSince ?? Date.now(),
    uploadTimeoutSeconds: settings.uploadTimeoutSeconds,
    hookHeard: state.stopSeenAt !== undefined,
    told,
    saidStop: () => (state.end === undefined ? undefined : parseStop(state.end)),
    log,
  }
}
