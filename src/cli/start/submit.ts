import { hasCode } from '../../client/index.ts'
import type { Session } from '../session/session.ts'
import { deploy } from './deploy.ts'
import { type DeployCommandOptions, type Prepared, prepare, showPrepared } from './prepare.ts'
import { sharingInputs } from './share-inputs.ts'

/** `jobferry submit`: prints the ids of the new jobs. */
export async function submit(
  session: Session,
  options: DeployCommandOptions,
  command: readonly string[],
): Promise<number> {
  const prepared = await prepare(options, command)
  if (options.debug) return showPrepared(session.out, prepared)
  return await sharingInputs(session, prepared, undefined, (shared) => submitAll(session, shared))
}

async function submitAll(session: Session, prepared: Prepared): Promise<number> {
  const turns = new Turns(session, prepared)
  try {
    for (const index of prepared.requests.keys()) {
      await turns.next()
      const deployed = await deploy(session, prepared, index)
      turns.begin(deployed.job_uuid)
      if (session.out.json) session.out.value(deployed)
      else session.out.line(deployed.job_uuid)
    }
  } finally {
    turns.end()
  }
  return 0
}

/** Lets a job be made once fewer than `--max-concurrent` of those before are live. */
class Turns {
  readonly #session: Session
  readonly #most: number
  readonly #abort = new AbortController()
  readonly #live = new Set<Promise<void>>()

  constructor(session: Session, { mostAtOnce = Number.POSITIVE_INFINITY }: Prepared) {
    this.#session = session
    this.#most = mostAtOnce
  }

  /** Rejects with the error of a wait. */
  async next(): Promise<void> {
    if (this.#live.size >= this.#most) await Promise.race(this.#live)
  }

  begin(id: string): void {
    if (this.#most === Number.POSITIVE_INFINITY) return
    const ended = this.#untilEnd(id).finally(() => this.#live.delete(ended))
    // Its error is seen by next(), or after the last job by nobody.
    ended.catch(() => {})
    this.#live.add(ended)
  }

  /** Waits no longer. */
  end(): void {
    this.#abort.abort()
  }

  async #untilEnd(id: string): Promise<void> {
    try {
      await this.#session.client().wait(id, { signal: this.#abort.signal })
    } catch (error) {
      // A job that was deleted has ended as well.
      if (!hasCode(error, 'not-found')) throw error
    }
  }
}
