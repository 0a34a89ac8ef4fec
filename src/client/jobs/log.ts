import { hasCode } from '../errors.ts'
import { bodyOf } from '../http/body.ts'
import type { Transport } from '../http/transport.ts'
import { isFinal, type Job } from '../types.ts'

export interface LogOptions {
  container?: 'worker' | 'uploader' | undefined
  step?: string | undefined
  attempt?: number | undefined
  /** Only that many last lines. */
  tail?: number | undefined
  /** The log goes on until its container has ended. */
  follow?: boolean | undefined
  signal?: AbortSignal | undefined
}

/** One log as it is now, or with `follow` up to its end; after a break it goes on where it was. */
export async function* readLog(
  transport: Transport,
  id: string,
  { signal, ...options }: LogOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const retries = transport.retries(signal)
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) query.set(name, String(value))
  }
  const path = `/job/${encodeURIComponent(id)}/log?${query}`
  let received = 0
  for (;;) {
    try {
      let skipped = 0
      const response = await transport.request(path, { signal })
      for await (const chunk of bodyOf(response, signal)) {
        const rest = chunk.subarray(Math.min(chunk.length, received - skipped))
        skipped += chunk.length - rest.length
        if (rest.length === 0) continue
        retries.progressed()
        received += rest.length
        skipped += rest.length
        yield rest
      }
      return
    } catch (error) {
      // The log has grown meanwhile: it is unknown which of its last lines came already.
      if (options.tail !== undefined && received > 0) throw error
      if (!(await retries.again(error))) throw error
    }
  }
}

/** Seconds between two looks at a job whose next step or attempt has not begun. */
const lookSeconds = 1

/** The logs of a job's steps and attempts, one after the other, up to the job's end. */
export async function* followLog(
  transport: Transport,
  id: string,
  options: Omit<LogOptions, 'step' | 'attempt' | 'follow'> = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal, container } = options
  const path = `/job/${encodeURIComponent(id)}`
  const shown = new Set<string>()
  for (;;) {
    const job = await transport.json<Job>(path, { signal })
    const attempt = job.attempt?.number
    for (const step of stepsOf(job, container)) {
      const key = `${attempt ?? 1} ${step ?? ''}`
      if (shown.has(key)) continue
      if (attempt === undefined && isFinal(job.state)) continue
      try {
        yield* readLog(transport, id, { ...options, step, attempt, follow: true })
        shown.add(key)
      } catch (error) {
        if (!hasCode(error, 'not-found', 'not-started', 'invalid-request')) throw error
      }
    }
    if (isFinal(job.state)) return
    await transport.json<Job>(`${path}?wait=${lookSeconds}`, { signal })
  }
}

function stepsOf({ steps }: Job, container: string | undefined): (string | undefined)[] {
  if (steps === undefined || container === 'uploader') return [undefined]
  return steps.filter(({ state }) => state !== 'skipped').map(({ name }) => name)
}
