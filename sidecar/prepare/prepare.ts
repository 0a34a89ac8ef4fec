import { retryDelay } from '../../src/store/retry.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { isDiskFull } from '../../src/util/error-code.ts'
import { messageOf } from '../../src/util/errors.ts'
import type { Log } from '../../src/util/log.ts'
import { defined } from '../../src/util/objects.ts'
import { InputError } from '../inputs/input-error.ts'
import { isOfFileSystem } from '../inputs/unpack/place-entry.ts'
import { pause } from '../pause.ts'
import { restoreResult } from '../restore/restore-result.ts'
import type { StateDirectory } from '../state-directory.ts'
import { type Obstacle, obstacleOf } from '../store/obstacle.ts'
import type { UploaderSettings } from '../uploader-settings.ts'
import { adoptCheckpoints } from './adopt-checkpoints.ts'
import { fetchInputs } from './fetch-inputs.ts'
import { proveStore } from './prove-store.ts'

/** Everything that has to be done before the worker may start. */
export class Preparation {
  #awaited = 'the uploader has just started'
  #obstacle: Blocked | undefined
  #inputBytes = 0

  /** The current step or its obstacle, as text. */
  get awaited(): string {
    return this.#obstacle?.message ?? this.#awaited
  }

  get obstacle(): Blocked | undefined {
    return this.#obstacle
  }

  /**
   * Proves the store and fetches the inputs, however long that takes: the API enforces
   * `start_timeout_seconds`, and reads the obstacle in the last line of the log. Resolves with
   * false if `signal` is aborted before.
   */
  async run(
    store: ArtifactStore,
    state: StateDirectory,
    settings: UploaderSettings,
    log: Log,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { firstStart } = state
    const { job, inputDirectory: directory, inputsSha256: sha256, secretsDirectory } = settings
    const steps: [string, () => Promise<unknown>][] = settings.rescue
      ? [
          [
            'reading the checkpoints of an earlier uploader',
            () => adoptCheckpoints(store, state, settings, signal),
          ],
        ]
      : [['proving the store', () => proveStore(store, state, settings, signal)]]
    const { restore } = settings
    if (restore !== undefined) {
      const restoring = this.#restoring(store, { ...settings, restore }, log, signal)
      steps.push([`restoring the result of job ${restore.uuid}`, restoring])
    }
    if (sha256 !== undefined && directory !== undefined) {
      const memory = { taken: new Map() }
      const note = (problem: string | undefined) => this.#note(problem, log)
      const listFile = state.path('inputs.ndjson')
      const inputs = { job, sha256, directory, listFile, memory, note, ...defined({ secretsDirectory }) }
      steps.push([
        'fetching the inputs',
        async () => {
          const { taken, bytes } = await fetchInputs(store, inputs, signal)
          this.#inputBytes = bytes
          if (taken.length > 0) state.markTakenInputs(taken)
        },
      ])
    }
    for (const [what, step] of steps) {
      this.#awaited = what
      for (let failures = 1; !(await this.#succeeds(what, step, store.name, log, signal)); failures += 1) {
        if (this.#obstacle?.final) return await this.#awaitEnd(log, signal)
        await pause(retryDelay(failures), signal)
        if (signal.aborted) return false
      }
    }
    if (signal.aborted) return false
    // A rescue takes over what the uploader before it has prepared.
    if (!settings.rescue) {
      const ready = new Date().toISOString()
      state.markPrepared({ started_at: firstStart, ready_at: ready, input_bytes: this.#inputBytes })
    }
    return true
  }

  #restoring(
    store: ArtifactStore,
    { restore, resultDirectory }: UploaderSettings & Required<Pick<UploaderSettings, 'restore'>>,
    log: Log,
    signal: AbortSignal,
  ): () => Promise<void> {
    const { timeoutSeconds } = restore
    const note = (problem: string | undefined) => this.#note(problem, log)
    let until: number | undefined
    return async () => {
      // From the first try on: the store may have been away before.
      until ??= Date.now() + timeoutSeconds * 1000
      await restoreResult({ store, ...restore }, resultDirectory, { until, timeoutSeconds, note, signal })
    }
  }

  async #succeeds(
    what: string,
    step: () => Promise<unknown>,
    storeName: string,
    log: Log,
    signal: AbortSignal,
  ): Promise<boolean> {
    try {
      await step()
      this.#obstacle = undefined
      return true
    } catch (error) {
      if (signal.aborted) return false
      this.#obstacle = obstacleIn(error, what, storeName)
      log.warn(this.#obstacle, 'the uploader is not ready yet')
      return false
    }
  }

  /** Repeats the obstacle until the API has ended the job. */
  async #awaitEnd(log: Log, signal: AbortSignal): Promise<false> {
    while (!signal.aborted) {
      await pause(repeatMs, signal)
      log.warn(this.#obstacle, 'the uploader will not be ready')
    }
    return false
  }

  /** A source that failed and is tried again, or goes on. */
  #note(problem: string | undefined, log: Log): void {
    if (problem === undefined) {
      this.#obstacle = undefined
      log.info({ progress: true }, this.#awaited)
      return
    }
    this.#obstacle = { reason: 'InputUnavailable', message: problem }
    log.warn(this.#obstacle, 'the uploader is not ready yet')
  }
}

type Blocked = Omit<Obstacle, 'reason'> & { reason: Obstacle['reason'] | InputError['kind']; final?: true }

/** The API reads the newest lines of the log alone. */
const repeatMs = 5000

function obstacleIn(error: unknown, what: string, storeName: string): Blocked {
  if (error instanceof InputError) return { reason: error.kind, message: error.message, final: true }
  if (isDiskFull(error))
    return { reason: 'StorageFull', message: `${what}: the volume is full (${messageOf(error)})` }
  return isOfFileSystem(error)
    ? { reason: 'Error', message: `${what}: ${messageOf(error)}` }
    : obstacleOf(error, what, storeName)
}
