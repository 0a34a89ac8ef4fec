import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

/** An answer as curl, a client without the project's code, received it. */
export interface Download {
  status: number
  /** 0 if the answer was complete by HTTP's rules. */
  exitCode: number
  body: Buffer
}

export async function download(url: string, ...args: string[]): Promise<Download> {
  return await (await beginDownload(url, ...args)).ended
}

/** As download(); resolves once the first bytes have come, or curl has ended without them. */
export async function beginDownload(url: string, ...args: string[]): Promise<{ ended: Promise<Download> }> {
  const folder = await mkdtemp(join(tmpdir(), 'jobferry-download-'))
  const file = join(folder, 'body')
  const child = spawn('curl', ['-s', '-w', '%{http_code}', '-o', file, ...args, url], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = resultOf(child, file).finally(() => rm(folder, { recursive: true }))
  while (child.exitCode === null && !(await stat(file).catch(() => undefined))?.size) await sleep(10)
  return { ended }
}

async function resultOf(child: ChildProcessByStdio<null, Readable, null>, file: string): Promise<Download> {
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
  })
  const [exitCode] = (await once(child, 'close')) as [number]
  return { status: Number(printed), exitCode, body: await readFile(file).catch(() => Buffer.alloc(0)) }
}

/**
 * The end of a download: `whole` for exactly the bytes of `content`; `cut` for a prefix of them
 * that curl reports as incomplete; a problem's code, such as `result-damaged`; else a description.
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
