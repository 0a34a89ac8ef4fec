import { retryDelay } from '../../src/artifact/retry.ts'
import type { ArtifactStore } from '../../src/artifact/store.ts'
import { messageOf } from '../../src/errors.ts'
import type { Log } from '../../src/log.ts'
import { pause } from '../pause.ts'
import { isDiskFull } from '../scan/found.ts'
import type { UploaderSettings } from '../settings.ts'
import type { StateDirectory } from '../state-directory.ts'
import { type Obstacle, obstacleOf } from '../store/obstacle.ts'
import { adoptCheckpoints } from './adopt-checkpoints.ts'
import { fetchInputs } from './fetch-inputs.ts'
import { proveStore } from './prove-store.ts'

/** All that has to be done before the worker may start; tells what is in its way. */
export class Preparation {
  #awaited = 'the uploader has just started'
  #obstacle: Obstacle | undefined

  /** For people. */
  get awaited(): string {
    return this.#obstacle?.message ?? this.#awaited
  }

  get obstacle(): Obstacle | undefined {
    return this.#obstacle
  }

  /**
   * Proves the store and fetches the inputs, however long that takes: `start_timeout_seconds` is for the API to
   * enforce, which reads in the last line of the log what is in the way. Resolves with false when `signal` is
   * aborted before.
   */
  async run(
    store: ArtifactStore,
    state: StateDirectory,
    settings: UploaderSettings,
    log: Log,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { job, inputDirectory: directory, inputsSha256: sha256 } = settings
    const steps: [string, () => Promise<unknown>][] = settings.rescue
      ? [['reading what is stored already', () => adoptCheckpoints(store, state, settings, signal)]]
      : [['proving the store', () => proveStore(store, state, settings, signal)]]
    if (sha256 !== undefined && directory !== undefined) {
      const inputs = { job, sha256, directory, listFile: state.path('inputs.ndjson') }
      steps.push(['fetching the inputs', () => fetchInputs(store, inputs, signal)])
    }
    for (const [what, step] of steps) {
      this.#awaited = what
      for (let failures = 1; !(await this.#succeeds(what, step, store.name, log, signal)); failures += 1) {
        await pause(retryDelay(failures, Math.random()), signal)
        if (signal.aborted) return false
      }
    }
    return !signal.aborted
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
      this.#obstacle = isDiskFull(error)
        ? { reason: 'StorageFull', message: `${what}: the volume for inputs is full (${messageOf(error)})` }
        : obstacleOf(error, what, storeName)
      log.warn(this.#obstacle, 'not ready')
      return false
    }
  }
}
