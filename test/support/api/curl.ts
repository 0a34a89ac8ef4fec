import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../run.ts'

export interface CurlAnswer {
  /** Status line and headers, as sent. */
  head: string
  /** Empty with `-o`. */
  body: Buffer
  text(): string
  json<T>(): T
}

/**
 * Runs curl, a client without the project's code. Resolves for every HTTP
 * status, rejects without an answer.
 */
export async function curl(url: string, ...args: string[]): Promise<CurlAnswer> {
  const folder = await mkdtemp(join(tmpdir(), 'jobferry-curl-'))
  try {
    const [headFile, bodyFile] = [join(folder, 'head'), join(folder, 'body')]
    const output = args.includes('-o') ? [] : ['-o', bodyFile]
    await run('curl', ['-sS', '-D', headFile, ...output, ...args, url])
    const head = await readFile(headFile, 'latin1')
    const body = await readFile(bodyFile).catch(() => Buffer.alloc(0))
    return { head, body, text: () => body.toString(), json: <T>() => JSON.parse(body.toString()) as T }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The arguments that POST a value as JSON. */
export function asJson(body: unknown): string[] {
  return ['-H', 'content-type: application/json', '-d', JSON.stringify(body)]
}
