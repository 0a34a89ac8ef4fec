import { setTimeout as sleep } from 'node:timers/promises'

export interface Page {
  jobs: { job_uuid: string }[]
  next: string | null
}

/**
 * GETs a JSON body; resolves with it and the milliseconds until its
 * end. Throws if the status is not 2xx.
 */
export async function timed<T>(url: string): Promise<{ ms: number; body: T }> {
  const start = performance.now()
  const answer = await fetch(url)
  const text = await answer.text()
  if (!answer.ok) throw new Error(`GET ${url}: ${answer.status} ${text}`)
  return { ms: performance.now() - start, body: JSON.parse(text) as T }
}

/** Reads all pages of a listing in turn; resolves with each page's milliseconds. */
export async function walk(url: string, path: string): Promise<number[]> {
  const times: number[] = []
  for (let next: string | null = path; next !== null; ) {
    const { ms, body }: { ms: number; body: { next: string | null } } = await timed(url + next)
    times.push(ms)
    next = body.next
  }
  return times
}

export async function repeat(
  times: number,
  work: (index: number) => Promise<{ ms: number }>,
): Promise<number[]> {
  const all: number[] = []
  for (let index = 0; index < times; index++) all.push((await work(index)).ms)
  return all
}

/** Milliseconds until the first byte of an answer's body; the rest is cancelled. */
export async function firstByte(url: string): Promise<{ ms: number }> {
  const start = performance.now()
  const answer = await fetch(url)
  const reader = answer.body?.getReader()
  const { done } = (await reader?.read()) ?? { done: true }
  if (!answer.ok || done) throw new Error(`GET ${url}: ${answer.status} without a byte`)
  const ms = performance.now() - start
  await reader?.cancel()
  return { ms }
}

/**
 * Requests /health/live, which needs no work, every 5 ms for `milliseconds`. Resolves with the
 * longest time of an answer in milliseconds, which is the event loop's longest stop.
 */
export async function longestStop(url: string, milliseconds: number): Promise<number> {
  const end = performance.now() + milliseconds
  let longest = 0
  while (performance.now() < end) {
    const start = performance.now()
    await (await fetch(`${url}/health/live`)).text()
    longest = Math.max(longest, performance.now() - start)
    await sleep(5)
  }
  return longest
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
