import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from '../../src/job/job.ts'
import { isFinal } from '../../src/job/job.ts'

/** A job as the API shows it, asked for every `every` milliseconds until it is final or `seconds` are over. */
export async function waitForFinal(url: string, uuid: string, seconds = 30, every = 50): Promise<Job> {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    const job = await getJson<Job>(`${url}/job/${uuid}`)
    if (isFinal(job.state)) return job
    if (Date.now() > deadline) throw new Error(`still ${job.state}: ${job.reason}: ${job.message}`)
    await sleep(every)
  }
}

/** The body of a 200; every other answer is an error that shows it. */
export async function getJson<T>(url: string): Promise<T> {
  const response = await fetch(url)
  const body = await response.text()
  if (response.status !== 200) throw new Error(`GET ${url}: ${response.status} ${body}`)
  return JSON.parse(body) as T
}

export async function postJson(url: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { status: response.status, headers: response.headers, body: await jsonOf(response) }
}

async function jsonOf(response: Response): Promise<Record<string, unknown>> {
  const text = await response.text()
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
}
