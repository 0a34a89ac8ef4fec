import { type ChannelModel, type ConfirmChannel, type ConsumeMessage, connect } from 'amqplib'
import { eventually } from '../time/eventually.ts'

export interface ReceivedEvent {
  id: string
  type: string
  source: string
  subject?: string
  correlationid?: string
  data: Record<string, unknown>
}

/** A program that sends messages and takes events, as a gateway does; it survives its broker. */
export interface Gateway extends AsyncDisposable {
  send(message: { id: string; type?: string; data?: unknown }): Promise<void>
  /** Sends bytes as they are. */
  sendRaw(content: string, contentType?: string, headers?: object): Promise<void>
  /** All events so far, in their order, also those that came twice. */
  events: ReceivedEvent[]
  /** Events of one message's job. */
  of(id: string): ReceivedEvent[]
  /** Takes a message off a queue; undefined if it is empty. */
  take(queue: string): Promise<ConsumeMessage | undefined>
  /** The number of messages of a queue that wait. */
  waiting(queue: string): Promise<number>
  until(id: string, type: string): Promise<ReceivedEvent>
  /** Connects again after the broker's end. */
  connect(): Promise<void>
}

export async function startGateway(
  url: string,
  { queue: to = 'jobferry', exchange = 'jobferry.events' } = {},
): Promise<Gateway> {
  const queue = `gateway of ${to}`
  const events: ReceivedEvent[] = []
  let connection: ChannelModel
  let channel: ConfirmChannel
  const open = async () => {
    connection = await connect(url)
    connection.on('error', () => undefined)
    channel = await connection.createConfirmChannel()
    channel.on('error', () => undefined)
    // Jobferry may not have connected yet: a message for no queue would be lost.
    await channel.assertQueue(to, { durable: true })
    await channel.assertExchange(exchange, 'topic', { durable: true })
    await channel.assertQueue(queue, { durable: true })
    await channel.bindQueue(queue, exchange, '#')
    await channel.consume(queue, (message) => {
      if (message === null) return
      events.push(JSON.parse(message.content.toString()) as ReceivedEvent)
      channel.ack(message)
    })
  }
  const sendRaw = async (content: string, contentType = 'application/cloudevents+json', headers = {}) => {
    await new Promise<void>((resolve, reject) => {
      channel.sendToQueue(to, Buffer.from(content), { contentType, headers, persistent: true }, (error) =>
        error ? reject(new Error('not confirmed')) : resolve(),
      )
    })
  }
  await open()
  const of = (id: string) => events.filter(({ correlationid }) => correlationid === id)
  return {
    sendRaw,
    send: ({ id, type = 'dev.jobferry.deploy', data }) =>
      sendRaw(JSON.stringify({ specversion: '1.0', id, source: '/gateway', type, data })),
    events,
    of,
    async take(name) {
      const message = await channel.get(name, { noAck: true })
      return message === false ? undefined : (message as unknown as ConsumeMessage)
    },
    waiting: async (name) => (await channel.checkQueue(name)).messageCount,
    until: (id, type) =>
      eventually(
        () => {
          const found = of(id).find((event) => event.type === type)
          if (found === undefined) {
            throw new Error(
              `no ${type} of ${id}: ${of(id)
                .map((event) => event.type)
                .join(', ')}`,
            )
          }
          return found
        },
        { within: 20_000 },
      ),
    connect: open,
    async [Symbol.asyncDispose]() {
      await connection.close().catch(() => undefined)
    },
  }
}
