import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What curl got and how it ended: a program that knows nothing of this one. */
export interface Download {
  status: number
  /** 0: the answer was whole, by what HTTP says. */
  exitCode: number
  body: Buffer
}

export async function download(url: string, ...args: string[]): Promise<Download> {
  const folder = await mkdtemp(join(tmpdir(), 'jobferry-download-'))
  try {
    const file = join(folder, 'body')
    const child = spawn('curl', ['-s', '-w', '%{http_code}', '-o', file, ...args, url], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let printed = ''
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
    })
    const [exitCode] = (await once(child, 'close')) as [number]
    return { status: Number(printed), exitCode, body: await readFile(file).catch(() => Buffer.alloc(0)) }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/**
 * How a download ended: `whole`, with exactly those bytes; `cut`, with some of the first of them, and curl knows that
 * they aren't all; a problem's code, such as `result-damaged`; else what is wrong, in words.
 */
export function outcomeOf({ status, exitCode, body }: Download, content: Buffer): string {
  if (status >= 400 && exitCode === 0) {
    return (JSON.parse(body.toString()) as { type: string }).type.replace('urn:jobferry:error:', '')
  }
  if (exitCode === 0) {
    return body.equals(content) ? 'whole' : `a good ${status} with ${body.length} bytes that are not those`
  }
  const begun = body.length < content.length || content.length === 0
  if (begun && body.equals(content.subarray(0, body.length))) return 'cut'
  return `cut off behind ${body.length} bytes of which some are wrong`
}
