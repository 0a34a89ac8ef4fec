import process from 'node:process'
import { configPath } from '../session/config-file.ts'
import type { Session } from '../session/session.ts'
import { tableText } from '../terminal/format.ts'

/** `jobferry config check`: which server and token are used, and whether they work. */
export async function configCheck({ out, client, connection }: Session): Promise<number> {
  const { server, token, because } = connection()
  const facts: Record<string, string> = {
    'config file': configPath(process.env),
    server: `${server} (${because.server})`,
    token: token === undefined ? 'none' : `from ${because.token}`,
  }
  if (!out.json) out.line(tableText(Object.entries(facts)))
  const health = await client().health()
  // An answer to a call that needs a token, where the server asks for one.
  for await (const _ of client().list()) break
  if (out.json) out.value({ server, because, health })
  else
    out.line(`the server answers, and takes ${token === undefined ? 'callers without a token' : 'the token'}`)
  return 0
}
