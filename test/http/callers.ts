import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { type Answer, type Call, call } from './client.ts'

const tokens = { alice: 'correct-horse', bob: 'battery-staple' }

export type Caller = keyof typeof tokens

/** The setting API_TOKENS that lets both callers in. */
export const callersTokens = Object.entries(tokens)
  .map(([name, token]) => `${name}:${createHash('sha256').update(token).digest('hex')}`)
  .join('\n')

/** As call(), with the token of the caller. */
export function callAs(name: Caller, url: string, request: Call): Promise<Answer> {
  const headers = { ...request.headers, authorization: `Bearer ${tokens[name]}` }
  return call(url, { ...request, headers })
}

/** The bytes of a file of one of alice's results. */
export async function bytesOfResult(url: string, uuid: string, path: string): Promise<Buffer> {
  const answer = await callAs('alice', url, { path: `/job/${uuid}/result?file=${encodeURIComponent(path)}` })
  expect(answer.status).toBe(200)
  return answer.body
}
