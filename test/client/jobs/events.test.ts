import { expect, it } from 'vitest'
import { linesOf } from '../../../src/client/http/lines.ts'
import { messagesOf } from '../../../src/client/jobs/events.ts'

it('messages are read from chunks that end anywhere, without comments', async () => {
  const text = 'retry: 2000\nid: 1\n\n:\n\nid: 2\nevent: state\ndata: {"ü":1}\n\ndata: a\r\ndata:b\r\n\r\n'
  const messages = []
  for await (const message of messagesOf(linesOf(byteByByte(text)))) messages.push(message)
  expect(messages).toEqual([
    { id: '1', name: 'message', data: '' },
    { id: '2', name: 'state', data: '{"ü":1}' },
    { id: undefined, name: 'message', data: 'a\nb' },
  ])
})

async function* byteByByte(text: string): AsyncGenerator<Uint8Array> {
  for (const byte of Buffer.from(text)) yield Uint8Array.of(byte)
}
