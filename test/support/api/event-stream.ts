import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { eventually } from '../time/eventually.ts'

export interface SentEvent {
  id: string | undefined
  event: string
  data: Record<string, unknown>
}

export interface EventStream {
  status: number
  headers: IncomingHttpHeaders
  /** All events received so far. */
  events: SentEvent[]
  /** The last id, also one without an event. */
  readonly lastId: string | undefined
  heartbeats: number
  /** Resolves with `ended` for a complete answer and with `cut` for an aborted one. */
  ended: Promise<'ended' | 'cut'>
  until(what: (events: SentEvent[]) => boolean, within?: number): Promise<SentEvent[]>
  close(): void
  /** The underlying response, to pause reading. */
  response: IncomingMessage
}

/** Reads an event stream by WHATWG HTML section 9.2.6, but without a reconnect. */
export async function openEvents(url: string, headers: Record<string, string> = {}): Promise<EventStream> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { headers, agent: false }, resolve).once('error', reject).end()
  })
  const events: SentEvent[] = []
  let lastId: string | undefined
  let rest = ''
  const stream: EventStream = {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    get lastId() {
      return lastId
    },
    heartbeats: 0,
    ended: new Promise((resolve) => {
      response.once('end', () => resolve('ended'))
      response.once('error', () => resolve('cut'))
    }),
    until: (what, within = 20_000) =>
      eventually(
        () => {
          if (!what(events)) throw new Error(`not yet: ${JSON.stringify(events)}`)
          return events
        },
        { within, every: 20 },
      ),
    close: () => void response.destroy(),
    response,
  }
  response.setEncoding('utf8').on('data', (text: string) => {
    const frames = (rest + text).split('\n\n')
    rest = frames.pop() ?? ''
    for (const frame of frames) {
      const fields = new Map(frame.split('\n').map((line) => line.split(/: ?(.*)/s, 2) as [string, string]))
      if (fields.has('')) stream.heartbeats += 1
      if (fields.has('id')) lastId = fields.get('id')
      const data = fields.get('data')
      if (data === undefined) continue
      const event = fields.get('event') ?? 'message'
      events.push({ id: fields.get('id'), event, data: JSON.parse(data) as Record<string, unknown> })
    }
  })
  return stream
}
