import { within } from '../artifact/timers.ts'
import type { Child } from './child.ts'
import { signalGroup, uploaderMarker } from './kill.ts'
import { type AttemptContext, graceLeft, killRest, saveIfPossible } from './run-context.ts'
import {
  complaint,
  markTerminating,
  saysCommitted,
  startUploader,
  terminationMessage,
  waitUntilReady,
} from './uploader.ts'

const leastUploadMilliseconds = 2000
/** For an uploader that has to be started first. */
const leastFreshUploadMilliseconds = 10_000
/** The uploader itself gives up after `upload_timeout_seconds`; this is for one that hangs. */
const overtimeMilliseconds = 10_000
const tries = 5

/** An attempt's uploader: one process at a time, several where one was killed. */
export class UploaderRun {
  readonly #context: AttemptContext
  /** The process that runs, or that has ended and isn't noted yet. */
  #child: Child | undefined
  #childRuns = false

  constructor(context: AttemptContext) {
    this.#context = context
  }

  /** Starts it; true once the worker may start, false where the uploader ended or the job is to. */
  async becomeReady(): Promise<boolean> {
    const { attempt, folders, job } = this.#context
    const { stop, kill } = this.#context.halt
    const child = await this.#start()
    const ready = await waitUntilReady(
      folders,
      () => this.#noteComplaint(),
      child.exit,
      stop.happened,
      kill.happened,
    )
    job.blocked = undefined
    if (!ready || stop.isSet || kill.isSet) return false
    attempt.uploader.readyAt = Date.now()
    return true
  }

  /** The last pass; once more where something killed the supervisor, since nothing else would start it again. */
  async store(): Promise<void> {
    const { folders, halt, job, log } = this.#context
    for (let attempts = 0; attempts < tries && !halt.kill.isSet; attempts++) {
      if (saysCommitted(await terminationMessage(folders))) return this.#noteEnd()
      const running = this.#childRuns ? this.#child : undefined
      if (running === undefined) await markTerminating(folders)
      else terminate(running.pid)
      const child = running ?? (await this.#start())
      const inTime = await this.#endOf(child, running === undefined)
      const exit = await child.exit
      await this.#noteEnd()
      if (!inTime || exit.code < 128) return
      log.warn({ job: job.uuid, exitCode: exit.code }, 'the uploader was killed and is started again')
    }
  }

  /** Ends it where it still runs. */
  async kill(): Promise<void> {
    if (this.#child === undefined) return
    if (this.#childRuns) signalGroup(this.#child.pid, 'SIGKILL')
    await this.#noteEnd()
  }

  /** Waits for its end as long as it may take, then kills it; whether it ended by itself. */
  async #endOf(child: Child, fresh: boolean): Promise<boolean> {
    const { stop, kill } = this.#context.halt
    const { upload_timeout_seconds: seconds } = this.#context.job.record.request
    const least = fresh ? leastFreshUploadMilliseconds : leastUploadMilliseconds
    let inTime = true
    if (!stop.isSet) {
      inTime = await within(seconds * 1000 + overtimeMilliseconds, child.exit, stop.happened, kill.happened)
    }
    if (inTime && stop.isSet) {
      inTime = await within(Math.max(graceLeft(this.#context), least), child.exit, kill.happened)
    }
    if (inTime && !kill.isSet) return true
    signalGroup(child.pid, 'SIGKILL')
    return false
  }

  async #start(): Promise<Child> {
    const { attempt, folders, job } = this.#context
    const { uploader } = attempt
    // By the attempt's id whoever comes after a kill finds the process, which may be before this is here again.
    await saveIfPossible(this.#context)
    const child = await startUploader(this.#context, job.record, attempt.uid, folders)
    this.#child = child
    this.#childRuns = true
    void child.exit.then(() => {
      this.#childRuns = false
    })
    uploader.startedAt ??= Date.now()
    delete uploader.finishedAt
    delete uploader.exitCode
    if (child.ref) uploader.process = child.ref
    await saveIfPossible(this.#context)
    return child
  }

  async #noteEnd(): Promise<void> {
    const { attempt, folders, job } = this.#context
    const { uploader, uid } = attempt
    const exit = await this.#child?.exit
    if (this.#child) await killRest(this.#context, uploaderMarker(uid), this.#child.ref)
    this.#child = undefined
    uploader.finishedAt = exit?.at ?? Date.now()
    if (exit) uploader.exitCode = exit.code
    const message = await terminationMessage(folders)
    if (message !== undefined) uploader.message = message
    job.changed()
  }

  /** What it says while it can't become ready: it goes on trying. */
  async #noteComplaint(): Promise<void> {
    const { folders, job } = this.#context
    const cause = await complaint(folders).catch(() => undefined)
    if (cause?.message === job.blocked?.message) return
    job.blocked = cause
    job.changed()
  }
}

/** The supervisor alone: it passes the signal on. */
function terminate(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch {
    // It has ended meanwhile.
  }
}
