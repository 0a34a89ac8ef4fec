import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import type { Session } from '../session/session.ts'

/** `jobferry open`: shows a job, or a file of its result, in a browser. */
export async function open({ out, client, connection }: Session, id: string, path?: string): Promise<number> {
  // A job that is not there is an error here, and no page in a browser.
  await client().job(id)
  const file = path === undefined ? '' : `/result?file=${encodeURIComponent(path)}`
  const url = `${client().server}/job/${id}${file}`
  if (connection().token !== undefined) out.note('a browser sends no token: the server may refuse it')
  if (out.json) out.value({ url })
  else out.line(url)
  if (!out.json && !(await started(url))) out.note('no browser was found: open the address yourself')
  return 0
}

async function started(url: string): Promise<boolean> {
  const programs: Partial<Record<NodeJS.Platform, string[]>> = { darwin: ['open'], win32: ['explorer'] }
  const [program = 'xdg-open', ...args] = programs[process.platform] ?? []
  const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true })
  try {
    await once(child, 'spawn')
    child.unref()
    return true
  } catch {
    return false
  }
}
