import { hasCode, JobferryError } from '../errors.ts'
import { bodyOf } from '../http/body.ts'
import { linesOf } from '../http/lines.ts'
import type { Transport } from '../http/transport.ts'
import { isFinal, type Job, type JobEvent, type Progress } from '../types.ts'

/**
 * A job's present state and its changes up to the final one or its deletion. After a break it goes
 * on with the states that it missed, as far as the server knows them.
 */
export async function* jobEvents(
  transport: Transport,
  id: string,
  signal?: AbortSignal,
): AsyncGenerator<JobEvent, void, undefined> {
  const retries = transport.retries(signal)
  const path = `/job/${encodeURIComponent(id)}/events`
  let lastId: string | undefined
  for (;;) {
    try {
      const headers = {
        accept: 'text/event-stream',
        ...(lastId !== undefined && { 'last-event-id': lastId }),
      }
      const response = await transport.request(path, { headers, signal })
      if (response.status === 204) return
      for await (const message of messagesOf(linesOf(bodyOf(response, signal)))) {
        retries.progressed()
        lastId = message.id ?? lastId
        const event = eventOf(message)
        if (event === undefined) continue
        yield event
        if (event.type === 'deleted' || (event.type === 'state' && isFinal(event.job.state))) return
      }
      throw new JobferryError('interrupted', 'the stream of events ended before the job')
    } catch (error) {
      if (lastId !== undefined && hasCode(error, 'not-found')) return yield { type: 'deleted', job_uuid: id }
      if (!(await retries.again(error))) throw error
    }
  }
}

interface Message {
  id: string | undefined
  name: string
  data: string
}

/** Server-sent events (WHATWG HTML, section 9.2), without comments. */
export async function* messagesOf(lines: AsyncIterable<string>): AsyncGenerator<Message> {
  let message: Message = { id: undefined, name: 'message', data: '' }
  for await (const line of lines) {
    if (line === '') {
      if (message.data !== '' || message.id !== undefined) yield message
      message = { id: undefined, name: 'message', data: '' }
      continue
    }
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
    if (field === 'id') message.id = value
    if (field === 'event') message.name = value
    if (field === 'data') message.data += message.data === '' ? value : `\n${value}`
  }
}

/** Undefined for an event that this version does not know. */
function eventOf({ name, data }: Message): JobEvent | undefined {
  if (name === 'state') return { type: 'state', job: JSON.parse(data) as Job }
  if (name === 'progress') return { type: 'progress', progress: JSON.parse(data) as Progress }
  if (name === 'deleted') return { type: 'deleted', job_uuid: (JSON.parse(data) as Job).job_uuid }
  return undefined
}
