import type { ArtifactStore } from '../src/artifact/store.ts'
import type { Log } from '../src/log.ts'
import { Early } from './early/early.ts'
import { Journals } from './known/journals.ts'
import { aborted } from './pause.ts'
import { Preparation } from './prepare/prepare.ts'
import { countTree } from './progress/count-tree.ts'
import { Progress } from './progress/progress.ts'
import { Reporter } from './progress/reporter.ts'
import { serve } from './server.ts'
import { exitCode, type TerminationMessage, type UploaderSettings } from './settings.ts'
import { StateDirectory } from './state-directory.ts'
import { OpenUploads } from './store/open-uploads.ts'
import { parseStop } from './store/stop-object.ts'
import { StoreCalls } from './store/store-calls.ts'
import { checkpointUntil } from './storing/checkpoint-until.ts'
import type { Watch } from './storing/give-up.ts'
import { type StoringContext, storeResults, troubleOf } from './storing/store-results.ts'
import { writeTerminationMessage } from './termination-message.ts'
import { Buffers } from './upload/buffers.ts'

/**
 * The uploader from its start to its end, or from where a killed one left off: prepares, waits while the worker
 * runs, stores what it left. `terminated` is aborted by SIGTERM. Resolves with the exit code.
 */
export async function run(
  settings: UploaderSettings,
  openStore: () => Promise<ArtifactStore>,
  log: Log,
  terminated: AbortController,
): Promise<number> {
  const state = new StateDirectory(settings.stateDirectory)
  if (state.ended !== undefined) return state.ended
  const resumed = state.terminatingSince !== undefined
  if (resumed) terminated.abort()
  else
    terminated.signal.addEventListener('abort', () => marked(() => state.markTerminating(), log), {
      once: true,
    })

  const stopSeen = new AbortController()
  if (state.stopSeenAt !== undefined) stopSeen.abort()
  const told = new AbortController()
  if (state.end !== undefined) told.abort()
  const preparation = new Preparation()
  const endServer = startServer(settings, state, preparation, { stopSeen, told }, log)
  const store = await openStore()
  let reporter: Reporter | undefined
  const end = (code: number, message: TerminationMessage) => {
    writeTerminationMessage(settings.terminationMessageFile, message, log)
    state.markEnded(code)
    if (code === exitCode.gaveUp) log.info(message, 'gave up')
    return code
  }

  try {
    if (!state.ready) {
      if (!(await preparation.run(store, state, settings, log, terminated.signal))) {
        const reason = preparation.obstacle?.reason ?? 'Interrupted'
        return end(exitCode.gaveUp, {
          reason,
          message: `Stopped before the worker could start: ${preparation.awaited}`,
        })
      }
      state.markReady()
      log.info('ready')
    }
    // Its worker has ended already.
    if (settings.rescue) terminated.abort()
    const context = contextOf(settings, state, store, log)
    reporter = reporterOf(context)
    const cleaning = context.uploads.abortLeftOver(store, log, context.calls.halted)
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
    const ending = await storeResults(
      context,
      watchOf(settings, state, store, told.signal, log),
      resumed,
      checkpointing,
    )
    // At once: the API archives this log as soon as it has seen the manifest.
    if (ending.committed) log.info(ending.message, 'stored')
    await Promise.all([context.calls.halt(0), context.early?.halt(0)])
    await cleaning
    // What could not be dropped before, or was cut off just now: after this nobody looks for it any more.
    if (ending.committed) await context.uploads.abortAll(store, log, AbortSignal.timeout(dropMs))
    return end(ending.committed ? exitCode.committed : exitCode.gaveUp, ending.message)
  } finally {
    reporter?.end()
    endServer()
    await store.close()
  }
}

const dropMs = 2000

function startServer(
  settings: UploaderSettings,
  state: StateDirectory,
  preparation: Preparation,
  { stopSeen, told }: { stopSeen: AbortController; told: AbortController },
  log: Log,
): () => void {
  if (settings.port === undefined) return () => undefined
  const endpoint = {
    notReady: () => (state.ready ? undefined : preparation.awaited),
    onStop: () => {
      marked(() => state.markStopSeen(), log)
      stopSeen.abort()
    },
    onEnd: (text: string) => {
      marked(() => state.markEnd(text), log)
      told.abort()
    },
  }
  return serve(settings.port, settings.stopToken, endpoint, log)
}

/** What was heard counts, though a full volume takes no mark of it for the program after this one. */
function marked(mark: () => void, log: Log): void {
  try {
    mark()
  } catch (error) {
    log.error({ error }, 'a mark could not be written')
  }
}

function contextOf(
  settings: UploaderSettings,
  state: StateDirectory,
  store: ArtifactStore,
  log: Log,
): StoringContext {
  const uploads = new OpenUploads(state)
  return {
    job: settings.job,
    attempt: settings.attempt,
    resultDirectory: settings.resultDirectory,
    resultLayout: settings.resultLayout,
    packing: settings.packing,
    state,
    journals: new Journals(state),
    store: uploads.tracked(store),
    uploads,
    calls: new StoreCalls(store.name),
    buffers: new Buffers(),
    progress: new Progress(),
    current: {},
    log,
  }
}

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
