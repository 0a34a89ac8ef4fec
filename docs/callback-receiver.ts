import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type Server } from 'node:http'

/** What Jobferry posts: `data` is the job as GET /job/:id shows it. */
export interface CallbackEvent {
  type: string
  timestamp: string
  data: { job_uuid: string; state: string; reason: string | null; links: Record<string, string> }
}

const toleranceSeconds = 5 * 60
const maxBytes = 1024 * 1024

/**
 * The event of a callback whose signature is right and whose timestamp is fresh; undefined for any
 * other. `body` are the bytes as they came: parsed and written again they may differ. `secrets` are
 * `whsec_…`, old and new ones while they change.
 */
export function verifiedEvent(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: Buffer,
  secrets: readonly string[],
  now = Date.now(),
): CallbackEvent | undefined {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string')
    return undefined
  // Else whoever recorded one could send it again for ever.
  if (!(Math.abs(now / 1000 - Number(timestamp)) <= toleranceSeconds)) return undefined
  const expected = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
    // Anybody can sign with an empty one.
    if (key.length < 24) throw new Error('a secret is missing or is no whsec_<base64 of 24 to 64 bytes>')
    return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest()
  })
  const given = signatures
    .split(' ')
    .filter((signature) => signature.startsWith('v1,'))
    .map((signature) => Buffer.from(signature.slice('v1,'.length), 'base64'))
  const isSigned = given.some((one) =>
    expected.some((other) => one.length === other.length && timingSafeEqual(one, other)),
  )
  return isSigned ? (JSON.parse(body.toString('utf8')) as CallbackEvent) : undefined
}

/**
 * Takes callbacks. `handle` is called once for each event as far as this process remembers:
 * Jobferry sends one again whose answer got lost, with the same `webhook-id`; keep these ids where
 * your data is. A rejection answers 500, so that the callback comes again.
 */
export function createReceiver(
  secrets: readonly string[],
  handle: (event: CallbackEvent, id: string) => Promise<void>,
): Server {
  const handled = new Set<string>()
  return createServer(async (req, res) => {
    try {
      const chunks: Buffer[] = []
      let bytes = 0
      for await (const chunk of req as AsyncIterable<Buffer>) {
        bytes += chunk.length
        if (bytes <= maxBytes) chunks.push(chunk)
      }
      if (bytes > maxBytes) return res.writeHead(413).end()
      const event = verifiedEvent(req.headers, Buffer.concat(chunks), secrets)
      if (event === undefined) return res.writeHead(401).end()
      const id = String(req.headers['webhook-id'])
      if (!handled.has(id)) await handle(event, id)
      handled.add(id)
      res.writeHead(204).end()
    } catch (error) {
      console.error(error)
      res.writeHead(500).end()
    }
  })
}

if (import.meta.main) {
  const secrets = process.env.CALLBACK_SECRET?.trim().split(/\s+/)
  if (!secrets) throw new Error('CALLBACK_SECRET is missing: whsec_…, two of them while they change')
  createReceiver(secrets, async ({ type, data }) => {
    console.log(`${type}: ${data.job_uuid}, results at ${data.links.result_list}`)
  }).listen(Number(process.env.PORT ?? 8080))
}
