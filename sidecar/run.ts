import type { ArtifactStore } from '../src/artifact/store.ts'
import type { Log } from '../src/log.ts'
import { Journals } from './known/journals.ts'
import { Preparation } from './prepare/prepare.ts'
import { Progress } from './progress/progress.ts'
import { serve } from './server.ts'
import { exitCode, type TerminationMessage, type UploaderSettings } from './settings.ts'
import { marked, type Signals, signalsOf } from './signals.ts'
import { StateDirectory } from './state-directory.ts'
import { OpenUploads } from './store/open-uploads.ts'
import { StoreCalls } from './store/store-calls.ts'
import { bringAll } from './storing/bring-all.ts'
import type { StoringContext } from './storing/store-results.ts'
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
  const signals = signalsOf(state, terminated, log)
  const preparation = new Preparation()
  const endServer = startServer(settings, state, preparation, signals, log)
  const store = await openStore()
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
    const { committed, message } = await bringAll(settings, context, store, signals)
    return end(committed ? exitCode.committed : exitCode.gaveUp, message)
  } finally {
    endServer()
    await store.close()
  }
}

function startServer(
  settings: UploaderSettings,
  state: StateDirectory,
  preparation: Preparation,
  { stopSeen, told }: Signals,
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
