import type { TerminationMessage } from '../src/job/state/termination-message.ts'
import type { ArtifactStore } from '../src/store/store.ts'
import type { Log } from '../src/util/log.ts'
import { defined } from '../src/util/objects.ts'
import { serveEndpoint } from './endpoint/uploader-endpoint.ts'
import { newPassContext } from './pass/pass-context.ts'
import { Preparation } from './prepare/prepare.ts'
import type { ResultsContext } from './results-context.ts'
import { StateDirectory } from './state-directory.ts'
import { parseStop } from './store/stop-object.ts'
import { uploadResults } from './upload-results.ts'
import { exitCode, type UploaderSettings } from './uploader-settings.ts'
import { type Signals, signalsOf, writeMark } from './uploader-signals.ts'
import { WorkerWords } from './word/worker-word.ts'
import { writeTerminationMessage } from './write-termination-message.ts'

/**
 * The uploader from its start to its end, or from where a killed program stopped: prepares, waits
 * while the worker runs, stores its results. `terminated` is aborted by SIGTERM. Resolves with the
 * exit code.
 */
export async function runUploader(
  settings: UploaderSettings,
  openStore: (state: StateDirectory) => Promise<ArtifactStore>,
  log: Log,
  terminated: AbortController,
): Promise<number> {
  const state = new StateDirectory(settings.stateDirectory)
  if (state.ended !== undefined) return state.ended
  const signals = signalsOf(state, terminated, log)
  const preparation = new Preparation()
  const endServer = startServer(settings, state, preparation, signals, log)
  const store = await openStore(state)
  const end = (code: number, message: TerminationMessage) => {
    writeTerminationMessage(settings.terminationMessageFile, message, log)
    state.markEnded(code)
    if (code === exitCode.gaveUp) log.info(message, 'the uploader gave up')
    return code
  }

  try {
    // Before it is ready: a worker that has started may have put a link there.
    const resultDirectory = state.realPath(settings.resultDirectory)
    if (!state.ready) {
      if (!(await preparation.run(store, state, { ...settings, resultDirectory }, log, terminated.signal))) {
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
    const passContext = newPassContext({ ...settings, resultDirectory }, state, store)
    const words = wordsOf(settings, store, log)
    const context: ResultsContext = { ...passContext, current: {}, log, ...defined({ words }) }
    const { committed, message } = await uploadResults(settings, context, store, signals)
    return end(committed ? exitCode.committed : exitCode.gaveUp, message)
  } finally {
    endServer()
    await store.close()
  }
}

function wordsOf(settings: UploaderSettings, store: ArtifactStore, log: Log): WorkerWords | undefined {
  const { wordDirectory: directory, rescue, job, attempt, heartbeatSeconds, uploadWhileRunning } = settings
  if (directory === undefined || rescue) return undefined
  return new WorkerWords({
    ...{ directory, job, attempt, heartbeatSeconds, store, log },
    publishes: uploadWhileRunning === true,
  })
}

function startServer(
  settings: UploaderSettings,
  state: StateDirectory,
  preparation: Preparation,
  { stopSeen, endRequested }: Signals,
  log: Log,
): () => void {
  if (settings.port === undefined) return () => undefined
  const endpoint = {
    notReady: () => (state.ready ? undefined : preparation.awaited),
    onStop: () => {
      writeMark(() => state.markStopSeen(), log)
      stopSeen.abort()
    },
    // The first stop counts, `deleted` alone replaces another: a repeated call changes nothing.
    onEnd: (text: string) => {
      if (state.end !== undefined && parseStop(text).outcome !== 'deleted') return
      writeMark(() => state.markEnd(text), log)
      endRequested.abort()
    },
  }
  const { port, attempt, preStopToken, endKey, stopToken: formerToken } = settings
  return serveEndpoint({ port, attempt, preStopToken, endKey, formerToken }, endpoint, log)
}
