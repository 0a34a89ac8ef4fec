import { once } from 'node:events'
import { connect } from 'node:net'
import { apiToken } from '../../support/connector/dataflow-run.ts'

/** Sends a complete start message and closes the connection at once, without reading the answer. */
export async function tellAndGo(url: string, message: object): Promise<void> {
  const body = JSON.stringify(message)
  const head = [
    'POST /dataflows/start HTTP/1.1',
    'host: 127.0.0.1',
    `authorization: Bearer ${apiToken}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  await once(socket.resume(), 'close')
}
