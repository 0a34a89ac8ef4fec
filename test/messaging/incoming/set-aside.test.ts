import type { ConsumeMessage, MessageProperties } from 'amqplib'
import { expect, it } from 'vitest'
import { deadLetter, deferred, triesOf } from '../../../src/messaging/incoming/set-aside.ts'

const names = { queue: 'jobferry', exchange: 'jobferry.events', dead: 'jobferry.dead' }
const problem = { title: 'The request is not valid', status: 400, detail: 'comand: is unknown', errors: [] }

function message(headers: Record<string, unknown>): ConsumeMessage {
  const properties = { messageId: 'm', headers } as unknown as MessageProperties
  return { content: Buffer.from('{}'), fields: { routingKey: 'jobferry' }, properties } as ConsumeMessage
}

it('a deferred copy keeps the headers of its sender, and counts its tries', () => {
  const given = { tenant: 'a', 'x-death': [], 'x-jobferry-tries': 2, problem: '{}', CC: ['b'], BCC: ['c'] }
  const { key, options } = deferred(message(given), names, 10)
  expect(key).toBe('jobferry.later.10')
  expect(options.headers).toEqual({ tenant: 'a', 'x-jobferry-tries': 3 })
})

it('a dead letter begins anew when it is moved back', () => {
  const { options } = deadLetter(message({ tenant: 'a', 'x-jobferry-tries': 7 }), names, problem)
  expect(options.headers).toEqual({ tenant: 'a', problem: JSON.stringify(problem) })
  expect(triesOf(options as unknown as MessageProperties)).toBe(0)
})

it('headers beyond 32 KiB of UTF-8, the problem included, are left out', () => {
  const short = { problem: '{"title":"The request is not valid","status":400}' }
  const room = message({ text: 'é'.repeat(15_000) })
  expect(deadLetter(room, names, problem).options.headers).toHaveProperty('text')
  expect(deadLetter(room, names, { ...problem, detail: 'ü'.repeat(4_000) }).options.headers).toEqual(short)
  expect(deferred(message({ text: 'é'.repeat(17_000) }), names, 2).options.headers).toEqual({
    'x-jobferry-tries': 1,
  })
})
