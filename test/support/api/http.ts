import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from '../../../src/job/job.ts'
import { isFinal } from '../../../src/job/job.ts'
import { patience } from '../time/patience.ts'

/**
 * Polls a job every `every` milliseconds until it is final, also while it is answered 503; throws
 * after `patience` times the `seconds` that it takes on a quiet machine.
 */
export async function waitForFinal(url: string, uuid: string, seconds = 30, every = 50): Promise<Job> {
  const deadline = Date.now() + seconds * patience * 1000
  for (;;) {
    const answer = await fetch(`${url}/job/${uuid}`)
    const text = await answer.text()
    const isOver = Date.now() > deadline
    if (answer.status !== 200 && (answer.status !== 503 || isOver))
      throw new Error(`GET /job/${uuid}: ${answer.status} ${text}`)
    if (answer.status === 200) {
      const job = JSON.parse(text) as Job
      if (isFinal(job.state)) return job
      if (isOver) throw new Error(`still ${job.state}: ${job.reason}: ${job.message}`)
    }
    await sleep(every)
  }
}

/** GETs a JSON body; throws an error with the body for any status but 200. */
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

/** Deploys a job and gives its uuid; throws an error with the body for any status but 201. */
export async function deployJob(url: string, request: object): Promise<string> {
  const { status, body } = await postJson(`${url}/job/deploy`, request)
  if (status !== 201) throw new Error(`POST /job/deploy: ${status} ${JSON.stringify(body)}`)
  return String(body.job_uuid)
}

async function jsonOf(response: Response): Promise<Record<string, unknown>> {
  const text = await response.text()
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
}
