import { isCommitted } from '../../../job/state/termination-message.ts'
import { within } from '../../../util/timers.ts'
import { signalGroup, uploaderMarker } from '../process/kill-processes.ts'
import { type Child, startChild } from '../process/start-child.ts'
import { type AttemptContext, graceLeft, killRemaining, ownSignal } from './run-context.ts'
import { markTerminating, terminationMessage, waitUntilReady } from './uploader-state.ts'

const leastUploadMilliseconds = 2000
/** For an uploader that is started first. */
const leastFreshUploadMilliseconds = 10_000
/** For an uploader that hangs: it should give up by itself after `upload_timeout_seconds`. */
const overtimeMilliseconds = 10_000
const tries = 5

/** The uploader of an attempt: one process at a time, another one after one was killed. */
export class AttemptUploader {
  readonly #context: AttemptContext
  /** The process that runs, or whose end is not recorded yet. */
  #child: Child | undefined
  #childRuns = false

  constructor(context: AttemptContext) {
    this.#context = context
  }

  /**
   * Starts it. True once the worker may start; false if the uploader ended or the job is stopped.
   */
  async becomeReady(): Promise<boolean> {
    const { attempt, folders } = this.#context
    const { stop, kill } = this.#context.signals
    const child = await this.#start()
    const ready = await waitUntilReady(folders, child.exit, stop.happened, kill.happened)
    if (!ready) await ownSignal(this.#context)
    if (!ready || stop.isSet || kill.isSet) return false
    attempt.uploader.readyAt = Date.now()
    return true
  }

  /** Runs the last pass, again if the supervisor was killed: nothing else would restart it. */
  async store(): Promise<void> {
    const { folders, signals, job, log } = this.#context
    for (let attempts = 0; attempts < tries && !signals.kill.isSet; attempts++) {
      if (isCommitted(await terminationMessage(folders))) return this.#recordEnd()
      const running = this.#childRuns ? this.#child : undefined
      if (running === undefined) await markTerminating(folders)
      else terminate(running.pid)
      const child = running ?? (await this.#start())
      const inTime = await this.#endOf(child, running === undefined)
      const exit = await child.exit
      await this.#recordEnd()
      if (!inTime || exit.code < 128) return
      log.warn({ job, exitCode: exit.code }, 'the uploader was killed and is started again')
    }
  }

  /** Kills it if it runs. */
  async kill(): Promise<void> {
    if (this.#child === undefined) return
    if (this.#childRuns) signalGroup(this.#child.pid, 'SIGKILL')
    await this.#recordEnd()
  }

  /** Waits for its end within its time, then kills it. True if it ended by itself. */
  async #endOf(child: Child, fresh: boolean): Promise<boolean> {
    const { stop, kill } = this.#context.signals
    const { uploadTimeoutSeconds: seconds } = this.#context
    const least = fresh ? leastFreshUploadMilliseconds : leastUploadMilliseconds
    let inTime = true
    if (!stop.isSet) {
      inTime = await within(seconds * 1000 + overtimeMilliseconds, [child.exit, stop.happened, kill.happened])
    }
    if (inTime && stop.isSet) {
      inTime = await within(Math.max(graceLeft(this.#context), least), [child.exit, kill.happened])
    }
    if (inTime && !kill.isSet) return true
    signalGroup(child.pid, 'SIGKILL')
    return false
  }

  async #start(): Promise<Child> {
    const { attempt, folders, uploader: program } = this.#context
    const { uploader } = attempt
    const child = await startChild({ ...program, cwd: folders.state, logFile: folders.uploaderLog })
    this.#child = child
    this.#childRuns = true
    void child.exit.then(() => {
      this.#childRuns = false
    })
    uploader.startedAt ??= Date.now()
    delete uploader.finishedAt
    delete uploader.exitCode
    if (child.ref) uploader.process = child.ref
    await this.#context.trySave()
    return child
  }

  async #recordEnd(): Promise<void> {
    const { attempt, folders } = this.#context
    const { uploader, uid } = attempt
    const exit = await this.#child?.exit
    if (this.#child) await killRemaining(this.#context, uploaderMarker(uid), this.#child.ref)
    this.#child = undefined
    uploader.finishedAt = exit?.at ?? Date.now()
    if (exit) uploader.exitCode = exit.code
    const message = await terminationMessage(folders)
    if (message !== undefined) uploader.message = message
    await this.#context.trySave()
  }
}

/** Signals the supervisor alone, which passes it on. */
function terminate(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch {
    // It has already ended.
  }
}
